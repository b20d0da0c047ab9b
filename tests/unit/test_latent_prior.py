"""What the contract table does not ask of the latent-space prior."""

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import losses
import zoo
from configs import lebm_mnist
from samplers import ladders, seeds
from zoo import (
    latent_chains,
    latent_model,
    latent_step,
    latent_tempering,
)

SMALL = {
    "image_shape": (8, 8, 1),
    "latent_dim": 3,
    "filters": 1,
    "energy_units": [8],
    "prior_steps": 5,
    "posterior_steps": 5,
}
TI = {"estimator": "ti", "ladder": {"num": 4, "p": 3.0}}
EXCHANGING = {**TI, "batched": True, "exchange_every": 2, "dynamics": "mala"}


def _build(**changes) -> Any:
    return zoo.build("latent_energy_prior", **{**SMALL, **changes})


def _images(number=6, depth=1):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(number, 8, 8, depth)).astype(np.float32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ladder": [0.1, 1.0]}, "starts at t=0.1"),
        ({"ladder": [0.0, 0.9]}, "ends at t=0.9"),
        ({"ladder": [0.0, 0.7, 0.5, 1.0]}, "does not increase"),
        ({"ladder": {"num": 1}}, "2 or more"),
        ({"ladder": {"p": -1.0}}, "p=-1.0"),
        ({"ladder": {"name": "power_low"}}, "'power_low' is unknown"),
        ({"ladder": {"q": 3.0}}, "ladder.q is unknown"),
        ({"kl_weight": -1.0}, "kl_weight=-1.0"),
        ({**TI, "kl_weight": 1.0}, "rule='trapezoid'"),
        ({**TI, "draws": 6}, "draws=6 is more than posterior_steps=5"),
        ({**TI, "draws": 1}, "keep 2"),
        (
            {
                **TI,
                "draws": 1,
                "rule": "trapezoid",
                "generator_gradient": "covariance",
            },
            "take draws=2",
        ),
        ({"prior_gradient": "chain"}, "take estimator='ti'"),
        (
            {**TI, "batched": True, "dynamics": "nose_hoover"},
            "one time step for all",
        ),
        ({"batched": 1}, "batched=1 must be True or False"),
        ({"exchange_every": -1}, "exchange_every=-1"),
        ({"exchange_every": 2}, "take batched=True"),
        ({**EXCHANGING, "dynamics": "langevin"}, "take dynamics='mala'"),
        ({**EXCHANGING, "exchange_every": 6}, "no exchange would come"),
        ({"batched": True, "exchange_every": 21}, "20 moves of a served"),
        (
            {**TI, "prior_gradient": "chain", "dynamics": "mala"},
            "take dynamics='langevin'",
        ),
        ({"generator_gradient": "trapezoid"}, "take estimator='ti'"),
        ({"estimator": "em"}, "choose one of mle, ti"),
        ({"dynamics": "hmc"}, "choose one of langevin, mala"),
        ({"posterior_step_size": 0.0}, "posterior_step_size=0.0"),
        ({"image_shape": (30, 30, 1)}, "32 x 32"),
        ({"energy_units": 100}, "energy_units=100"),
    ],
)
def test_a_bad_setting_gets_one_line(changes, message):
    with pytest.raises(errors.InputError, match=re.escape(message)) as caught:
        _build(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("door", ["encode", "energy", "log_evidence"])
def test_images_of_another_depth_are_refused(door):
    with pytest.raises(errors.InputError, match="do not fit the model"):
        getattr(_build(), door)(_images(depth=3))


def test_options_of_other_ladders_may_stand_beside():
    settings = {"name": "geometric", "num": 5, "p": 3.0, "first": 1e-2}
    found = latent_tempering.ladder_of({**settings, "steepness": None})
    np.testing.assert_array_equal(found, ladders.geometric(5, 1e-2))


def _steps(p, **changes):
    """One step's gradients of both networks, in the model's own graph."""
    model = _build(**{**TI, "ladder": {"num": 4, "p": p}, **changes})
    x = tf.constant(2.0 * _images() - 1.0)

    @tf.function(autograph=False)
    def run():
        return latent_step.step(
            model.pieces,
            model.settings,
            x,
            seeds.seed(0),
            model.tilt.trainable_variables,
            model.decoder.trainable_variables,
        )

    return run()


def _norm(gradients):
    return np.sqrt(sum(np.sum(np.square(g)) for g in gradients))


_SLOW = [pytest.param(p, marks=pytest.mark.slow) for p in (0.3, 1.0, 3.0, 6.0)]


@pytest.mark.parametrize("p", [0.1, 10.0, *_SLOW])
def test_both_networks_have_gradients_at_every_p(p):
    found = _steps(p)
    assert _norm(found.prior_gradients) > 1e-4
    assert _norm(found.generator_gradients) > 1e-4


@pytest.mark.parametrize(
    ("prior", "generator"), [("chain", "trapezoid"), ("samples", "covariance")]
)
def test_other_gradients_are_there_too(prior, generator):
    found = _steps(3.0, prior_gradient=prior, generator_gradient=generator)
    assert _norm(found.prior_gradients) > 1e-6
    assert _norm(found.generator_gradients) > 1e-4


@pytest.mark.slow
def test_the_differentiated_chains_of_mnist_fit_a_graph():
    """Long chains through the whole generator: graphs of another size."""
    config: Any = lebm_mnist.get_config("ti").model
    settings = {**config.to_dict(), "prior_gradient": "chain"}
    name = settings.pop("name")
    model: Any = zoo.build(name, **settings, image_shape=(28, 28, 1))
    model.compile("adam", jit_compile=False)
    images = np.random.default_rng(0).random((16, 28, 28, 1), np.float32)
    # A constant in E moves nothing, so its last bias stays.
    kernels = model.tilt.trainable_variables[::2]
    before = [w.numpy() for w in kernels]
    found = model.fit(images, batch_size=8, epochs=1, verbose=0)
    assert np.isfinite(found.history["loss"]).all()
    after = [w.numpy() for w in kernels]
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        EXCHANGING,
        {"batched": True, "prior_gradient": "chain"},
        pytest.param(
            {"batched": True, "dynamics": "baoab"}, marks=pytest.mark.slow
        ),
    ],
)
def test_temperatures_in_one_batch_give_gradients_too(changes):
    found = _steps(3.0, body="dense", hidden_units=[8], **changes)
    assert found.loss.shape == (6,)
    assert _norm(found.prior_gradients) > 1e-6
    assert _norm(found.generator_gradients) > 1e-4


def test_constant_samples_alone_do_not_train_the_prior():
    """The negative control: what trained the prior nowhere, still does not."""
    model = _build(**TI)
    x = tf.constant(2.0 * _images() - 1.0)
    start = tf.zeros([6, 3])
    chains = model.settings.integral.tempering
    with tf.GradientTape() as tape:
        tempered = chains.run(model.pieces, x, start, seeds.seed(0))
        loss = losses.thermodynamic_integral(
            chains.ladder, tempered.log_likelihood
        ).log_evidence
    gradients = tape.gradient(loss, model.tilt.trainable_variables)
    assert gradients == [None] * len(gradients)


@pytest.mark.parametrize("changes", [{}, TI], ids=["mle", "ti"])
def test_a_train_step_is_traced_once(changes):
    model = _build(**changes)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    traces = []

    def step(images):
        traces.append(1)
        return model.train_step(images)

    run = tf.function(step, autograph=False)
    for seed in range(3):
        run(tf.constant(np.roll(_images(), seed, 0)))
    assert len(traces) == 1


def test_the_prior_has_an_optimizer_of_its_own():
    model = _build()
    model.compile("adam", prior_optimizer=keras.optimizers.SGD(0.0))
    before = [np.array(w) for w in model.tilt.trainable_variables]
    decoder = np.array(model.decoder.trainable_variables[0])
    model.fit(_images(), batch_size=3, verbose=0)
    for old, new in zip(before, model.tilt.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.any(decoder != np.array(model.decoder.trainable_variables[0]))


def test_whole_grey_values_train_as_fractions_do():
    whole = np.round(255 * _images()).astype(np.uint8)
    found = []
    for images in (whole, whole.astype(np.float32) / np.float32(255)):
        model = _build()
        model.compile("adam", jit_compile=False)
        history = model.fit(images, batch_size=3, verbose=0, shuffle=False)
        found.append(history.history["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_evidence_of_images():
    model = _build(ladder={"num": 3})
    images = _images()
    model.fit_prior(images)
    options: Any = {"seed": 3, "num_steps": 4, "num_chains": 2}
    value, error = model.log_evidence(images, **options)
    assert value.shape == error.shape == (6,)
    assert np.all(np.asarray(error) > 0)
    # An image's own seed is all that its chains draw from.
    first, _ = model.log_evidence(images[:2], **options)
    np.testing.assert_allclose(first, value[:2], rtol=1e-5)
    # With E = 0 and g constant, log p(x) is that of the noise alone.
    for network in (model.tilt, model.decoder):
        network.set_weights([0 * w for w in network.get_weights()])
    value, error = model.log_evidence(images, **options)
    deviation = model.settings.sigma / 2
    exact = -0.5 * ((images - 0.5) / deviation) ** 2
    exact -= np.log(deviation * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(value, exact.sum((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(error, 0.0, atol=1e-3)
    for number, rule in ((0, "at least 1"), (1, "no standard error")):
        with pytest.raises(errors.InputError, match=f"={number} .*{rule}"):
            model.log_evidence(images, num_chains=number)
    with pytest.raises(errors.InputError, match="rule='simpson'"):
        model.log_evidence(images, rule="simpson")


def test_estimates_do_not_depend_on_the_ladder_of_the_training():
    images, found = _images(), []
    for ladder in (None, {"num": 4, "p": 0.1}):
        model = _build(ladder=ladder)
        model.fit_prior(images)
        found.append(model.log_evidence(images, num_steps=4)[0])
    np.testing.assert_array_equal(found[0], found[1])
    # The control: where a ladder is asked for, it is another estimate.
    other, _ = model.log_evidence(images, num_steps=4, ladder=[0.0, 0.5, 1.0])
    assert np.abs(other - found[0]).max() > 0.1


def test_evidence_needs_its_steps():
    model = _build()
    assert model.generate(1).shape == (1, 8, 8, 1)
    for door in (
        lambda: model.log_evidence(_images()),
        model.serving_functions,
    ):
        with pytest.raises(errors.InputError, match="fit_prior"):
            door()


def test_a_ladder_of_nodes_comes_back():
    model = _build(ladder=np.array([0.0, 0.25, 1.0]))
    again = type(model).from_config(model.get_config())
    assert again.settings.ladder == [0.0, 0.25, 1.0]


def test_energy_is_that_of_the_prior_at_the_codes():
    model, images = _build(), _images()
    # Far from 0, where the Gaussian and E both count.
    model.tilt.set_weights([3.0 + w for w in model.tilt.get_weights()])
    codes = np.asarray(model.encode(images))
    own = np.asarray(model.tilt(codes)).reshape(-1)
    exact = own + 0.5 * np.sum(codes**2, 1) / model.settings.prior_sigma**2
    np.testing.assert_allclose(model.energy(images), exact, rtol=1e-5)
    assert np.ptp(own) > 1.0


@pytest.mark.parametrize("dynamics", ["langevin", "mala"])
@pytest.mark.parametrize("jit", [False, True])
def test_no_image_is_made_to_move_codes_of_the_prior(dynamics, jit):
    # A generator of NaN: 0 times it would be NaN too.
    broken = latent_model.LatentModel(
        lambda z: tf.reduce_sum(z, 1), lambda z: z * np.nan, 1.0, 0.3
    )
    chains = latent_tempering.Tempering(
        [0.0, 1.0], latent_chains.Chain(dynamics, 4, 0.1), 0.0, 2
    )
    start = tf.ones([3, 2])
    with seeds.xla(jit):
        moved = chains.run(broken, start, start, seeds.seed(0))
    samples, values = moved.samples.numpy(), moved.log_likelihood.numpy()
    assert np.isfinite(samples[0]).all() and np.abs(samples[0] - 1).max() > 0
    assert np.isnan(values).all()
    if dynamics == "langevin":
        assert np.isnan(samples[1]).all()
