"""The contract by itself: row-wise methods, specs of data, energies."""

from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo
from samplers import langevin, metropolis, seeds
from zoo import arguments
from zoo.rowwise import DATA, SEEDS, RowSpec, rowwise

LABEL = RowSpec((), "int32", 0, 2)
MASK = RowSpec("data", "bool")


class Toy(zoo.Generative):
    """Points about the centre of a class, some of them given."""

    kinds = ("points",)

    def __init__(self, *, data, seed: int = 0, **kwargs):
        super().__init__(data=data, seed=seed, **kwargs)
        self.centres = self.add_weight(
            shape=(3, *self.data.shape), initializer="ones", name="centres"
        )
        self.traces = []
        self.built = True

    @rowwise("samples", seed=SEEDS, label=LABEL, mask=MASK, chunk=4)
    def generate_rows(self, seed, *, label=None, mask=None):
        self.traces.append(label is not None)
        centres = tf.gather(self.centres.value, 0 if label is None else label)
        noise = seeds.row_normal(seed, tuple(self.data.shape), 1)
        points = centres + 0.1 * noise
        return points if mask is None else tf.where(mask, points, 0.0)


@pytest.fixture
def toy():
    return Toy(data=zoo.DataSpec("points", (2,)))


def test_labels_and_masks_are_options(toy):
    toy.centres.assign([[0.0, 0.0], [5.0, 5.0], [-5.0, 5.0]])
    samples = np.asarray(toy.generate(3, seed=1, label=[0, 1, 2]))
    assert np.abs(samples - np.asarray(toy.centres)).max() < 0.5
    mask = np.array([[True, False]] * 3)
    shown = np.asarray(toy.generate(3, seed=1, label=1, mask=mask))
    np.testing.assert_array_equal(shown[:, 1], 0.0)
    assert np.abs(shown[:, 0] - 5.0).max() < 0.5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label": 3}, "label=3 must be a whole number from 0 to 2"),
        ({"label": [0, 1, -1]}, "from 0 to 2"),
        ({"label": [0, 1]}, "3 rows of seed"),
        ({"label": 1.5}, "label=1.5 must be a whole number"),
        ({"label": [0, 1, 2**40]}, "label=1099511627776 must be"),
        ({"labels": 1}, "did you mean 'label'?"),
        ({"mask": np.ones((3, 3), bool)}, "mask of shape (3, 3)"),
    ],
)
def test_bad_options_get_one_line(toy, options, words):
    with pytest.raises(errors.InputError) as caught:
        toy.generate(3, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_seeds_are_whole_and_not_missing(toy):
    for seed, words in (
        (None, "seed is missing"),
        ([[1.5, 2.0]], "seed=1.5 must be a whole number"),
        ([[1, 2**40]], "seed=1099511627776"),
        ([1, 2], "seed of shape (2,)"),
    ):
        with pytest.raises(errors.InputError) as caught:
            toy.generate_rows(seed)
        assert words in str(caught.value) and "\n" not in str(caught.value)
    assert toy.generate_rows(np.zeros((0, 2), int)).shape == (0, 2)


def test_one_graph_for_any_number_of_rows(toy):
    for number in (1, 3, 9):
        toy.generate(number)
    assert toy.traces == [False]
    many, few = toy.generate(9, seed=2), toy.generate(5, seed=2)
    np.testing.assert_array_equal(many[:5], few)
    toy.generate(2, label=1)
    assert toy.traces == [False, True]


def test_served_options_are_clipped_and_examples_fit(toy):
    signatures = toy.serving_functions()
    assert set(signatures) == {"generate", "generate_with"}
    assert set(signatures["generate"].inputs) == {"seed"}
    inputs = signatures["generate_with"].examples(5)
    assert inputs["mask"].dtype == bool and inputs["mask"].shape == (5, 2)
    assert inputs["label"].min() >= 0 and inputs["label"].max() <= 2
    toy.centres.assign([[0.0, 0.0], [5.0, 5.0], [-5.0, 5.0]])
    served = signatures["generate_with"].function
    seed, mask = inputs["seed"], np.ones((5, 2), bool)
    out = tf.constant([9, 2, 2, 2, 2], tf.int32)
    samples = served(tf.constant(seed), out, tf.constant(mask))["samples"]
    assert np.abs(samples[0] - [-5.0, 5.0]).max() < 0.5


def test_gradients_pass_a_row_wise_method():
    model = zoo.build(
        "autoencoder",
        data=zoo.DataSpec("points", (2,)),
        latent_dim=2,
        hidden_units=(4,),
    )
    codes = tf.ones((3, 2))
    with tf.GradientTape() as tape:
        tape.watch(codes)
        total = tf.reduce_sum(model.decode(codes))
    gradient: Any = tape.gradient(total, codes)
    assert np.abs(gradient).max() > 0


class Well(zoo.EnergyBased):
    """A normal distribution of variance 1 / stiffness."""

    kinds = ("points",)

    def __init__(
        self, *, data, stiffness: float = 4.0, seed: int = 0, **kwargs
    ):
        super().__init__(data=data, seed=seed, **kwargs)
        self.stiffness = stiffness
        self.built = True

    @rowwise("energy", x=DATA)
    def energy(self, x):
        return 0.5 * self.stiffness * tf.reduce_sum(x * x, -1)

    def kernel(self, temperature=1.0):
        return metropolis.metropolis_hastings(
            langevin.langevin(self.energy, 0.1, temperature)
        )


def test_refining_draws_from_the_energy():
    model = Well(data=zoo.DataSpec("points", (2,)))
    x = np.full((3000, 2), 2.0, np.float32)
    refined = np.asarray(model.refine(x, 60, seed=3))
    np.testing.assert_allclose(refined.var(), 0.25, rtol=0.06)
    np.testing.assert_allclose(refined.mean(0), 0.0, atol=0.04)
    # Negative control: after few steps they are not yet there.
    assert np.abs(np.asarray(model.refine(x, 2, seed=3)).mean()) > 0.5
    again = model.refine(x[:5], 60, seed=3)
    np.testing.assert_allclose(again, refined[:5], atol=1e-5)
    assert set(model.serving_functions()) == {"energy", "refine"}
    with pytest.raises(errors.InputError, match="steps=0"):
        model.refine(x, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "data=None must be a DataSpec"),
        (("image", (8, 8)), "must be a DataSpec"),
        ({"kind": "imag", "shape": (8, 8, 1)}, "did you mean 'image'"),
        ({"kind": "image", "shape": (8, 8)}, "is not the shape of images"),
        ({"kind": "image", "shape": (8.5, 8, 1)}, "is not the shape of images"),
        ({"kind": "points", "shape": ()}, "is not the shape of points"),
        (
            {"kind": "points", "shape": (2,), "num_examples": -1},
            "num_examples=-1",
        ),
    ],
)
def test_bad_specs_get_one_line(data, words):
    with pytest.raises(errors.InputError) as caught:
        zoo.DataSpec.of(data)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_examples_of_every_kind_are_in_range(kind):
    shape = {"image": (4, 4, 1), "points": (2,), "field": (4, 4, 2)}
    spec = zoo.DataSpec.of({"kind": kind, "shape": shape.get(kind, (4, 4))})
    rows = spec.examples(16, seed=1)
    np.testing.assert_array_equal(spec.as_rows(rows), rows)
    np.testing.assert_array_equal(spec.as_tensor(rows), rows)
    linked = np.asarray(spec.link(3.0 * tf.constant(rows)))
    if kind == "spins":
        assert np.abs(linked).max() <= 1
        with pytest.raises(errors.InputError, match="must be -1 or 1"):
            spec.as_rows(linked)
    else:
        spec.as_rows(linked)
    with pytest.raises(errors.InputError, match="NaN"):
        spec.as_rows(np.full_like(rows, np.nan))
    with pytest.raises(errors.InputError, match="0 "):
        spec.as_rows(rows[:0])


def test_places_of_examples_are_checked():
    spec = zoo.DataSpec("points", (2,), 5)
    spec.check_index(np.arange(5))
    for bad in (np.arange(6), [-1], [0.5], [[1]]):
        with pytest.raises(errors.InputError) as caught:
            spec.check_index(bad)
        assert "\n" not in str(caught.value)


def test_parameters_have_types_and_groups():
    def function(*, need, a: int = 1, b: float | None = None, c: str = "x"):
        del need, a, b, c

    found = arguments.parameters(function)
    assert found == {"a": (int, 1), "b": (float, None), "c": (str, "x")}
    ladder = zoo.parameters("latent_energy_prior")["ladder"]
    assert ladder["p"] == (float, 3.0) and ladder["nodes"] == (tuple, None)
    assert zoo.defaults("autoencoder")["latent_dim"] == 64


@pytest.mark.parametrize(
    ("name", "arguments_", "words"),
    [
        ("autoencodr", {}, "did you mean 'autoencoder'"),
        ("autoencoder", {"latent_dims": 3}, "did you mean 'latent_dim'"),
        ("autoencoder", {}, "needs data"),
    ],
)
def test_bad_builds_get_one_line(name, arguments_, words):
    with pytest.raises(errors.InputError, match=words) as caught:
        zoo.build(name, **arguments_)
    assert "\n" not in str(caught.value)


def test_a_draw_depends_on_the_seed_and_on_the_number_of_draws(toy):
    first, second = toy.next_seed(), toy.next_seed()
    assert first.numpy().tolist() != second.numpy().tolist()
    again = Toy(data=toy.data)
    np.testing.assert_array_equal(again.next_seed(), first)
    # Neighbouring seeds do not share draws.
    other = Toy(data=toy.data, seed=1)
    assert other.next_seed().numpy().tolist() != second.numpy().tolist()


def test_players_move_their_variables_alone():
    class Pair(Toy):
        players: ClassVar = {"first": ("one",), "second": ("two",)}

        def __init__(self, *, data, seed: int = 0, **kwargs):
            super().__init__(data=data, seed=seed, **kwargs)
            self.one, self.two = (keras.layers.Dense(1) for _ in range(2))
            for layer in (self.one, self.two):
                layer.build((None, 2))

    model = Pair(data=zoo.DataSpec("points", (2,)))
    model.compile({"first": keras.optimizers.SGD(1.0), "second": "adam"})
    before = [np.array(v) for v in model.two.variables]
    moved = np.array(model.one.kernel)
    ones = [tf.ones_like(v.value) for v in model.variables_of("first")]
    model.apply("first", ones)
    np.testing.assert_allclose(model.one.kernel, moved - 1.0, atol=1e-6)
    for old, new in zip(before, model.two.variables, strict=True):
        np.testing.assert_array_equal(old, new)
    # One optimizer for all: each player has a copy of its own.
    model.compile(keras.optimizers.Adam(0.5))
    first, second = model.optimizers.values()
    assert first is not second and float(second.learning_rate) == 0.5


def test_a_method_that_hides_a_row_wise_one_is_refused():
    class Bare(Toy):
        def generate_rows(self, seed, **options):
            return seed

    with pytest.raises(TypeError, match=r"Bare.generate_rows .*@rowwise"):
        Bare(data=zoo.DataSpec("points", (2,))).serving_functions()
