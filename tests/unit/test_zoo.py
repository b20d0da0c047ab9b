"""Parts of the zoo that the contract table does not reach."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import layers
import metrics
import zoo
from samplers import seeds

SHAPE = (4, 4, 1)
DATA = zoo.DataSpec("image", SHAPE)
POINTS = zoo.DataSpec("points", (2,))
AE, VAE, EAE = (
    "autoencoder",
    "variational_autoencoder",
    "entropic_autoencoder",
)
BAD = [
    (AE, {"latent_dim": 0}, "latent_dim=0"),
    (AE, {"latent_dim": 2.5}, "latent_dim=2.5"),
    (AE, {"reconstruction_loss": "ms"}, "did you mean 'mse'"),
    (AE, {"body": "resnet"}, "known: conv, dense"),
    (AE, {"body": "conv", "data": POINTS}, "take body='dense'"),
    (AE, {"reconstruction_loss": "bernoulli", "data": POINTS}, "does not fit"),
    (AE, {"hidden_units": 12}, "hidden_units=12"),
    (AE, {"seed": -1}, "seed=-1"),
    (AE, {"seed": 2**64}, "seed=18446744073709551616"),
    (AE, {"seed": True}, "seed=True"),
    (VAE, {"beta": -1.0}, "beta=-1.0"),
    (VAE, {"sigma": 0}, "sigma=0"),
    (VAE, {"data": POINTS}, "take likelihood='gaussian'"),
    (EAE, {"data": POINTS}, "does not take points: give it images"),
    (EAE, {"temperature": 0.0}, "temperature=0.0"),
    (EAE, {"chain_length": 0}, "chain_length=0"),
    (EAE, {"relaxation_time": 0}, "relaxation_time=0"),
    (EAE, {"step_size": float("nan")}, "step_size=nan"),
    (EAE, {"redraw_every": -1}, "redraw_every=-1"),
    (EAE, {"thermostat": "none"}, "thermostat='none'"),
    (EAE, {"friction": -0.1}, "friction=-0.1"),
    (EAE, {"batches_per_step": 0}, "batches_per_step=0"),
    (
        EAE,
        {"encoder_steps": 10, "batches_per_step": 4},
        "batches_per_step=4 does not divide encoder_steps=10: take 2",
    ),
    (
        EAE,
        {"encoder_steps": 10, "batches_per_step": 20},
        "batches_per_step=20 does not divide encoder_steps=10: take 10",
    ),
    (EAE, {"temperature_schedule": "linear"}, "must be a dict"),
    (EAE, {"temperature_schedule": {"nam": "x"}}, "did you mean 'name'"),
    (
        EAE,
        {"temperature_schedule": {"name": "linaer"}},
        "did you mean 'linear'",
    ),
    (
        EAE,
        {"temperature_schedule": {"name": "linear", "final": 1e-9}},
        "needs exactly name, final, updates",
    ),
    (EAE, {"temperature_schedule": {"final": 1e-9}}, "needs exactly name"),
    (
        EAE,
        {
            "temperature_schedule": {
                "name": "linear",
                "final": 0.0,
                "updates": 3,
            }
        },
        "temperature_schedule.final=0.0",
    ),
]


@pytest.mark.parametrize(("name", "changes", "message"), BAD)
def test_a_bad_argument_gets_one_line(name, changes, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        zoo.build(name, **{"data": DATA, **changes})
    assert "\n" not in str(caught.value)


def test_the_largest_seed_builds():
    model: Any = zoo.build(
        "entropic_autoencoder",
        data=DATA,
        latent_dim=2,
        hidden_units=[3],
        seed=2**64 - 1,
    )
    assert model.get_config()["seed"] == 2**64 - 1


def test_bank_draws_codes_with_silverman_noise():
    bank = layers.LatentBank(64, 2)
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(50, 2)).astype(np.float32) * [1.0, 10.0]
    bank.fill(tf.constant(codes, tf.float32))
    rows = seeds.rows(1, 4000)
    replayed = np.asarray(bank.sample(rows, 0.0))
    index = np.abs(replayed[:, None] - codes).sum(-1).argmin(1)
    np.testing.assert_allclose(replayed, codes[index], rtol=1e-6)
    counts = np.bincount(index, minlength=50)
    assert counts.min() > 40 and counts.max() < 130
    noise = np.asarray(bank.sample(rows, 2.0)) - replayed
    silverman = (4 / (4 * 50)) ** (1 / 6)
    np.testing.assert_allclose(
        noise.std(0), 2 * silverman * codes.std(0), rtol=0.05
    )


@pytest.fixture(scope="module")
def filled():
    model = zoo.build("autoencoder", data=DATA, latent_dim=2, hidden_units=[4])
    model.prepare(np.zeros((3, *SHAPE), np.uint8))
    return model


def test_a_whole_bandwidth_is_a_bandwidth(filled):
    whole = filled.generate(3, seed=1, bandwidth=1)
    np.testing.assert_array_equal(
        whole, filled.generate(3, seed=1, bandwidth=1.0)
    )
    rows = seeds.rows(1, 3)
    np.testing.assert_array_equal(
        whole, filled.generate_rows(rows, bandwidth=1)
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, *SHAPE)), "0 images given"),
        (np.zeros((2, 3, 4, 1)), "do not fit the model"),
        (None, "do not fit the model"),
        ("images", "do not fit the model"),
        (lambda: tf.data.Dataset.from_tensors(0), "do not fit the model"),
    ],
)
def test_images_of_a_prior_are_checked(filled, images, message):
    images = images() if callable(images) else images
    with pytest.raises(errors.InputError, match=message):
        filled.prepare(images)


@pytest.mark.parametrize("name", ["autoencoder", "variational_autoencoder"])
def test_whole_grey_values_are_scaled(name):
    model: Any = zoo.build(name, data=DATA, latent_dim=2, hidden_units=[4])
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 256, (3, *SHAPE), np.uint8)
    np.testing.assert_array_equal(
        model.reconstruct(whole),
        model.reconstruct(whole.astype(np.float32) / np.float32(255)),
    )
    with pytest.raises(errors.InputError, match="do not fit the model"):
        model.reconstruct(whole[:, :3])
    with pytest.raises(errors.InputError, match="do not fit the model"):
        model.encode(whole[0])


@pytest.mark.parametrize(
    "name",
    ["autoencoder", "variational_autoencoder", "entropic_autoencoder"],
)
def test_fit_scales_whole_grey_values_too(name):
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 256, (4, *SHAPE), np.uint8)
    floats = whole.astype(np.float32) / np.float32(255)
    steps = {"encoder_steps": 1} if name == "entropic_autoencoder" else {}

    def trained(images):
        model: Any = zoo.build(
            name, data=DATA, latent_dim=2, hidden_units=[4], **steps
        )
        model.compile(optimizer=keras.optimizers.Adam(0.1), jit_compile=False)
        model.fit(images, batch_size=4, epochs=2, shuffle=False, verbose=0)
        report = model.evaluate(images, batch_size=4, verbose=0)
        weights = [np.ravel(weight) for weight in model.decoder.weights]
        return np.concatenate([np.ravel(report), *weights])

    found, expected = trained(whole), trained(floats)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Negative control: other images give another model.
    assert np.abs(found - trained(1 - floats)).max() > 0.01


def test_codes_and_alphas_of_another_shape_get_one_line(filled):
    images = np.zeros((3, *SHAPE), np.float32)
    for codes in (np.zeros(2), np.zeros((3, 5)), 1.0):
        with pytest.raises(errors.InputError, match="z of shape") as caught:
            filled.decode(codes)
        assert "\n" not in str(caught.value)
    for second, alpha, message in (
        (images, np.zeros(2), r"alpha of shape \(2,\) does not fit 3 rows"),
        (images[:2], np.zeros(3), r"x1 of shape \(2, 4, 4, 1\) does not fit"),
    ):
        with pytest.raises(errors.InputError, match=message) as caught:
            filled.interpolate(images, second, alpha)
        assert "\n" not in str(caught.value)
    with pytest.raises(errors.InputError, match="images of shape"):
        filled.interpolate(images[0], images[0], np.zeros(1))


def test_bank_refuses_codes_that_are_not_finite():
    bank = layers.LatentBank(4, 1)
    with pytest.raises(errors.InputError, match="not finite"):
        bank.fill(tf.constant([[1.0], [float("nan")]]))


def test_active_units_count_variances_above_the_threshold():
    codes = np.random.default_rng(0).normal(size=(1000, 4))
    codes *= [1.0, 0.2, 0.05, 0.0]
    assert int(metrics.active_units(tf.constant(codes))) == 2
