"""What is measured of a trained model, by the parts."""

from typing import Any

import numpy as np
import pytest

import errors
import metrics
import sources
import zoo
from evaluators import fidelity, mse, registry
from metrics import extractors

_AE, _VAE = zoo.get("autoencoder"), zoo.get("variational_autoencoder")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A user's cache of its own, and a folder of data."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        # Three epochs of the ConvNet, and not a hundred.
        patch.setattr(extractors, "_STEPS", 20)
        yield folder


@pytest.fixture(scope="module")
def data(home) -> sources.Data:
    return sources.load("digits", data_dir=str(home / "data"))


def small(cls: Any, spec: zoo.DataSpec) -> Any:
    points = cls is _VAE and spec.kind == "points"
    options: dict[str, Any] = {"likelihood": "gaussian"} if points else {}
    return cls(data=spec, latent_dim=2, hidden_units=(8,), **options)


class Plays:
    """A model that draws what it is given."""

    def __init__(self, images):
        self.images, self.at = images / np.float32(255), 0

    def generate_rows(self, rows):
        first, self.at = self.at, self.at + len(rows)
        return self.images[first : self.at]


def test_every_evaluator_declares_what_it_is():
    for name, cls in registry.EVALUATORS.items():
        assert issubclass(cls.needs, zoo.Model) and cls.scores
        assert set(cls.kinds) <= set(zoo.KINDS)
        assert cls.switch is None or cls.switch in registry.parameters(name)
    assert registry.parameters("fidelity") == {"num_images": (int, 0)}
    assert registry.parameters("mse") == {"batch_size": (int, 250)}


def test_a_run_has_the_evaluators_that_fit_and_are_on(data):
    assert set(registry.build(_AE, data, {})) == {"mse"}
    asked = {"fidelity": {"num_images": 60}, "mse": {"batch_size": 7}}
    found: Any = registry.build(_VAE, data, asked)
    assert set(found) == {"fidelity", "mse"}
    assert found["mse"].batch_size == 7
    # A model without codes has no reconstructions.
    assert registry.build(zoo.EnergyBased, data, {}) == {}


@pytest.mark.parametrize("cls", [_AE, _VAE])
@pytest.mark.parametrize("kind", ["image", "points"])
def test_mse_is_that_of_the_reconstructions(cls, kind, data):
    if kind == "points":
        data = sources.load("toy2d/moons", train_examples=9, eval_examples=70)
    model = small(cls, data.spec)
    measure = mse.Mse(data, batch_size=32)
    test = model.data.as_rows(data.test)
    error = np.square(np.asarray(model.reconstruct(test), float) - test)
    scores = measure(model, 0)
    assert scores["test_mse"] == pytest.approx(error.mean(), rel=1e-5)
    assert set(scores) == set(measure.scores) and not measure.lines


def test_fidelity_has_scores_and_lines(data, home):
    measure = fidelity.Fidelity(data, num_images=60)
    scores = measure(small(_VAE, data.spec), 0)
    assert set(scores) == set(measure.scores)
    assert all(np.isfinite(value) for value in scores.values())
    assert scores["kid"] > 3 * scores["kid_error"] > 0
    name = measure.extractor.name
    assert len(measure.lines) == len(metrics.MEASURES)
    for line in measure.lines:
        assert line.endswith(f"(n = 60, {name})")
    (cached,) = (home / "cache" / "thermozoo").iterdir()
    assert cached.name.startswith("convnet-digits-8x8x1-1297-")


def test_noise_is_told_from_test_images(data):
    """Negative control: noise, beside other real images and themselves."""
    measure = fidelity.Fidelity(data, num_images=len(data.test))
    noise = np.random.default_rng(0).integers(0, 256, data.test.shape)
    same, near, far = (
        measure(Plays(images), 0)
        for images in (data.test, data.validation, noise)
    )
    assert abs(same["kid"]) < 1e-9 and abs(same["fid"]) < 1e-6
    assert same["precision"] == same["recall"] == 1
    assert abs(near["kid"]) < 4 * near["kid_error"]
    assert far["kid"] > near["kid"] + 10 * far["kid_error"]
    assert far["fid"] > near["fid"] + 10 * far["fid_error"]


def test_generated_images_are_the_seeds_alone(data):
    model = small(_VAE, data.spec)
    # Of more than one batch, the last one not whole.
    images = fidelity.generated(model, 300, 0)
    assert images.shape == (300, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[:20], fidelity.generated(model, 20, 0))
    assert len(np.unique(images.reshape(300, -1), axis=0)) > 290
    assert np.any(images != fidelity.generated(model, 300, 1))
    for variable in model.decoder.variables:
        variable.assign(np.full(variable.shape, np.nan))
    with pytest.raises(errors.InputError, match="not finite: lower"):
        fidelity.generated(model, 20, 0)


def asked(number: Any, **others: Any) -> dict[str, Any]:
    return {"options": {"fidelity": {"num_images": number}}, **others}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (asked(-5), "evals.fidelity.num_images=-5 must be 0"),
        (asked(7), "at least 20"),
        (asked(20.5), "num_images=20.5 must be 0"),
        (asked(251), "more than the 250 test images of 'digits': take 250"),
        (
            asked(40, inception_weights="no.h5"),
            "weights are not at 'no.h5': fetch",
        ),
        (
            asked(0, inception_weights="no.h5"),
            "of no use with config.evals.fidelity.num_images=0",
        ),
        (
            asked(40, model_class=zoo.Encoding),
            "num_images=40 is for models that are Generative, which Encoding",
        ),
        ({"options": {"mse": {"batch_size": 0}}}, "evals.mse.batch_size=0"),
    ],
)
def test_bad_options_are_one_line_before_training(arguments, expected, data):
    arguments = {"model_class": _AE, "data": data, **arguments}
    with pytest.raises(errors.InputError) as caught:
        registry.build(**arguments)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_points_have_no_fidelity(data):
    points = sources.load("toy2d/moons", train_examples=9, eval_examples=70)
    assert set(registry.build(_AE, points, {})) == {"mse"}
    line = "num_images=40 is for images, and 'toy2d/moons' holds points"
    with pytest.raises(errors.InputError, match=line):
        registry.build(_AE, points, asked(40)["options"])


def test_data_without_labels_need_inception(data):
    bare = data._replace(train_labels=np.full(len(data.train), -1))
    with pytest.raises(errors.InputError) as caught:
        fidelity.Fidelity(bare, num_images=60)
    assert "'digits' has no labels" in str(caught.value)
    assert "--inception_weights" in str(caught.value)
    assert "\n" not in str(caught.value)
