"""What the contract table does not ask of the latent-space prior."""

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
from tests.small_latent import IMAGES, TI, build
from zoo.latent_prior import chains, density, step, tempering

EXCHANGING = {**TI, "batched": True, "exchange_every": 2, "dynamics": "mala"}


def test_options_of_other_ladders_may_stand_beside():
    beside = {"name": "geometric", "num": 5, "p": 3.0, "first": 1e-2}
    found = tempering.nodes_of({**beside, "steepness": None})
    np.testing.assert_array_equal(found, ladders.geometric(5, 1e-2))


def _step(**changes):
    """One step's gradients of both networks, in the model's own graph."""
    model = build(**{**TI, **changes})
    x = tf.constant(2.0 * IMAGES - 1.0)

    @tf.function(autograph=False)
    def run():
        variables = {
            player: model.variables_of(player) for player in model.players
        }
        return step.by_integral(
            model.codes, model.integral, x, seeds.seed(0), variables
        )

    return run()


def _norm(found, player):
    squares = [np.sum(np.square(g)) for g in found.gradients[player]]
    return np.sqrt(sum(squares))


@pytest.mark.parametrize("p", [0.1, 10.0])
def test_both_networks_have_gradients_at_every_p(p):
    found = _step(ladder={"num": 4, "p": p})
    assert _norm(found, "prior") > 1e-4
    assert _norm(found, "generator") > 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"prior_gradient": "chain", "generator_gradient": "trapezoid"},
        {"generator_gradient": "covariance"},
        EXCHANGING,
        pytest.param(
            {"batched": True, "dynamics": "baoab", "prior_gradient": "chain"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_other_ways_give_gradients_too(changes):
    found = _step(**changes)
    assert found.loss.shape == (6,)
    assert _norm(found, "prior") > 1e-6
    assert _norm(found, "generator") > 1e-4


@pytest.mark.slow
def test_the_differentiated_chains_of_mnist_fit_a_graph():
    """Long chains through the whole generator: graphs of another size."""
    config: Any = lebm_mnist.get_config("ti").model
    settings = {
        **config.to_dict(),
        "prior_gradient": "chain",
        "data": zoo.DataSpec("image", (28, 28, 1)),
    }
    model: Any = zoo.build(settings.pop("name"), **settings)
    model.compile("adam")
    images = np.random.default_rng(0).random((16, 28, 28, 1), np.float32)
    # A constant in E moves nothing, so its last bias stays.
    kernels = model.energy_net.trainable_variables[::2]
    before = [w.numpy() for w in kernels]
    found = model.fit(images, batch_size=8, epochs=1, verbose=0)
    assert np.isfinite(found.history["loss"]).all()
    after = [w.numpy() for w in kernels]
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))


def test_constant_samples_alone_do_not_train_the_prior():
    """The negative control: what trained the prior nowhere, still does not."""
    model = build(**TI)
    x = tf.constant(2.0 * IMAGES - 1.0)
    moves = model.integral.tempering
    with tf.GradientTape() as tape:
        found = moves.run(model.density, x, tf.zeros([6, 3]), seeds.seed(0))
        loss = losses.thermodynamic_integral(
            moves.ladder, found.log_likelihood
        ).log_evidence
    gradients = tape.gradient(loss, model.variables_of("prior"))
    assert gradients == [None] * len(gradients)


def test_a_train_step_is_traced_once():
    model = build()
    model.compile(keras.optimizers.Adam(1e-3))
    traces = []

    def once(images):
        traces.append(1)
        return model.train_step(images)

    run = tf.function(once, autograph=False)
    for seed in range(3):
        run(tf.constant(np.roll(IMAGES, seed, 0)))
    assert len(traces) == 1


def test_the_prior_has_an_optimizer_of_its_own():
    model = build()
    model.compile({"generator": "adam", "prior": keras.optimizers.SGD(0.0)})
    before = model.energy_net.get_weights()
    decoder = model.decoder.get_weights()[0]
    model.fit(IMAGES, batch_size=3, verbose=0)
    for old, new in zip(before, model.energy_net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.any(decoder != model.decoder.get_weights()[0])


def test_whole_grey_values_train_as_fractions_do():
    whole = np.round(255 * IMAGES).astype(np.uint8)
    found = []
    for images in (whole, whole.astype(np.float32) / np.float32(255)):
        model = build()
        model.compile("adam")
        history = model.fit(images, batch_size=3, verbose=0, shuffle=False)
        found.append(history.history["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_evidence_of_images():
    model = build(ladder={"num": 3})
    images = IMAGES
    model.prepare(images)
    options: Any = {"seed": 3, "num_steps": 4, "num_chains": 2}
    value, error = model.log_evidence(images, **options)
    assert value.shape == error.shape == (6,)
    assert np.all(np.asarray(error) > 0)
    # An image's own seed is all that its chains draw from.
    first, _ = model.log_evidence(images[:2], **options)
    np.testing.assert_allclose(first, value[:2], rtol=1e-5)
    # It does not depend on the ladder of the training.
    other = build(ladder={"num": 4, "p": 0.1})
    other.evidence.set_weights(model.evidence.get_weights())
    again, _ = other.log_evidence(images, **options)
    np.testing.assert_array_equal(again, value)
    # The control: where a ladder is asked for, it is another estimate.
    nodes = [0.0, 0.5, 1.0]
    coarse, _ = model.log_evidence(images, ladder=nodes, **options)
    assert np.abs(coarse - value).max() > 0.1
    # With E = 0 and g constant, log p(x) is that of the noise alone.
    for network in (model.energy_net, model.decoder):
        network.set_weights([0 * w for w in network.get_weights()])
    value, error = model.log_evidence(images, **options)
    deviation = model.sigma / 2
    exact = -0.5 * ((images - 0.5) / deviation) ** 2
    exact -= np.log(deviation * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(value, exact.sum((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(error, 0.0, atol=1e-3)


def test_evidence_needs_its_steps():
    model = build()
    assert model.generate(1).shape == (1, 8, 8, 1)
    served = model.serving_functions()["log_evidence"].function
    for call in (
        lambda: model.log_evidence(IMAGES),
        lambda: model.measured_ladder(IMAGES),
        served.get_concrete_function,
    ):
        with pytest.raises(errors.InputError, match="prepare") as caught:
            call()
        assert "\n" not in str(caught.value)
    model.prepare(IMAGES)
    assert served.get_concrete_function().structured_outputs


def test_a_ladder_of_nodes_comes_back():
    model = build(ladder=np.array([0.0, 0.25, 1.0]))
    again = type(model).from_config(model.get_config())
    assert list(again.integral.tempering.ladder) == [0.0, 0.25, 1.0]


def test_energy_is_that_of_the_prior_at_the_codes():
    model, images = build(), IMAGES
    # Far from 0, where the Gaussian and E both count.
    weights = model.energy_net.get_weights()
    model.energy_net.set_weights([3.0 + w for w in weights])
    codes = np.asarray(model.encode(images))
    own = np.asarray(model.energy_net(codes)).reshape(-1)
    exact = own + 0.5 * np.sum(codes**2, 1) / model.prior_sigma**2
    np.testing.assert_allclose(model.energy(images), exact, rtol=1e-5)
    assert np.ptp(own) > 1.0


@pytest.mark.parametrize("dynamics", ["langevin", "mala"])
@pytest.mark.parametrize("jit", [False, True])
def test_no_image_is_made_to_move_codes_of_the_prior(dynamics, jit):
    # A generator of NaN: 0 times it would be NaN too.
    broken = density.Density(
        lambda z: tf.reduce_sum(z, 1), lambda z: z * np.nan, 2, 1.0, 0.3
    )
    moves = tempering.Tempering(
        [0.0, 1.0], chains.Chain(dynamics, 4, 0.1), 0.0, 2
    )
    start = tf.ones([3, 2])
    with seeds.xla(jit):
        moved = moves.run(broken, start, start, seeds.seed(0))
    samples, values = moved.samples.numpy(), moved.log_likelihood.numpy()
    assert np.isfinite(samples[0]).all() and np.abs(samples[0] - 1).max() > 0
    assert np.isnan(values).all()
    if dynamics == "langevin":
        assert np.isnan(samples[1]).all()
