"""Entropic autoencoder: free energy of the decoder, and a real ensemble."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
import zoo
from samplers import nose_hoover, run, seeds, total
from zoo.entropic import energy as encoder_energy
from zoo.entropic.dynamics import EncoderDynamics

STEPS = 600_000
PIXEL = 0.5


class Logit(keras.layers.Layer):
    """Undoes the sigmoid that ends a decoder, so that it is linear."""

    def call(self, x):
        return tf.math.log(x / (1.0 - x))


def scalar_networks(slope: float):
    """Encoder z = w x and decoder phi z, one weight each.

    U(w, phi) = x^2 (phi w - 1)^2, so Z = sqrt(pi T) / (x phi) and the free
    energy is F(phi) = T log(phi) + const.
    """
    encoder = keras.Sequential(
        [
            keras.layers.Input((1, 1, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(1, use_bias=False),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.layers.Input((1,)),
            keras.layers.Dense(1, use_bias=False),
            Logit(),
            keras.layers.Reshape((1, 1, 1)),
        ]
    )
    encoder.trainable = False
    encoder.variables[0].assign([[1.0 / slope]])
    decoder.variables[0].assign([[slope]])
    return encoder, decoder


def averaged_gradient(slope: float, temperature: float):
    encoder, decoder = scalar_networks(slope)
    dynamics = EncoderDynamics(encoder, decoder, 0.1, None, 4, 0)
    chain = layers.ChainState([(1, 1)], 4)
    chain.draw_velocities(seeds.seed(3), temperature)

    def block(batches):
        return dynamics.block(
            chain.read(encoder_energy.values(encoder)),
            batches,
            [tf.zeros([1, 1])],
            temperature=tf.constant(temperature),
            seed=seeds.seed(0),
        )

    batches = tf.fill([STEPS, 1, 1, 1, 1], PIXEL)
    _, observed = seeds.compiled(block, True)(batches)
    gradients, energy, kinetic, by_tensor = observed
    # The encoder is one tensor.
    np.testing.assert_allclose(by_tensor, [kinetic], rtol=1e-5)
    return (
        float(gradients[0][0, 0]) / STEPS,
        float(energy) / STEPS,
        float(kinetic) / STEPS,
    )


@pytest.mark.parametrize("slope", [1.0, 2.0])
@pytest.mark.parametrize("temperature", [0.003, 0.01])
def test_decoder_gradient_is_that_of_the_free_energy(slope, temperature):
    gradient, energy, kinetic = averaged_gradient(slope, temperature)
    assert gradient == pytest.approx(temperature / slope, rel=0.1)
    assert energy == pytest.approx(temperature / 2, rel=0.1)
    assert kinetic == pytest.approx(temperature, rel=0.05)


def test_gradient_at_the_single_best_encoder_is_another():
    """Negative control: one optimal encoder misses the entropy altogether."""
    slope, temperature = 2.0, 0.01
    encoder, decoder = scalar_networks(slope)
    weights = encoder_energy.values(decoder)
    evaluator = encoder_energy.gathering(encoder, decoder, weights)
    best = encoder_energy.values(encoder)
    found = evaluator.fn(best, None, tf.fill([1, 1, 1, 1], PIXEL))
    assert float(found.energy) == pytest.approx(0.0, abs=1e-10)
    wanted = temperature / slope
    assert abs(float(found.aux[0][0, 0]) - wanted) > 0.9 * wanted


def test_the_free_energy_of_the_test_is_right():
    """The partition function, by quadrature, has the slope T / phi."""
    temperature, step = 0.01, 1e-3
    w = np.linspace(-4, 6, 400_001)

    def free_energy(phi):
        u = PIXEL**2 * (phi * w - 1) ** 2
        z = np.sum(np.exp(-u / temperature)) * (w[1] - w[0])
        return -temperature * np.log(z)

    slope = free_energy(2 + step) - free_energy(2 - step)
    assert slope / (2 * step) == pytest.approx(temperature / 2, rel=1e-4)


@pytest.fixture(scope="module")
def trained():
    """A small model on smooth images, its thermostat at rest."""
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(4, 64))
    images = 1 / (1 + np.exp(-rng.normal(size=(512, 4)) @ basis))
    images = images.reshape(512, 8, 8, 1).astype(np.float32)
    model: Any = zoo.build(
        "entropic_autoencoder",
        data=zoo.DataSpec("image", (8, 8, 1)),
        latent_dim=6,
        hidden_units=[32],
        temperature=1e-6,
        chain_length=4,
        encoder_steps=50,
        members=24,
        member_interval=200,
        bank_size=480,
    )
    model.compile(optimizer=keras.optimizers.Adam(3e-3), jit_compile=True)
    data = tf.data.Dataset.from_tensor_slices(images).repeat()
    data = data.batch(32, drop_remainder=True).batch(50, drop_remainder=True)
    model.fit(data, steps_per_epoch=60, shuffle=False, verbose=0)
    before = [np.asarray(weight) for weight in model.encoder.variables]
    ratio = model.collect_ensemble(images)
    model.prepare(images)
    after = [np.asarray(weight) for weight in model.encoder.variables]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    return model, images, ratio


def test_ensemble_is_thermal(trained):
    """Kinetic temperature T on average, and members that differ."""
    model, _, ratio = trained
    assert 0.85 < ratio.mean() < 1.25
    for weight in model.ensemble.stacked:
        members = np.asarray(weight).reshape(model.members, -1)
        spread = members.std(0)
        assert np.median(spread) > 1e-3
        neighbours = np.abs(np.diff(members, axis=0)).max(1)
        assert neighbours.min() > 1e-3


def test_codes_of_the_members_differ(trained):
    model, images, _ = trained
    codes = np.asarray(model.encode(tf.constant(images[:16])))
    assert codes.shape == (16, 24, 6)
    assert np.median(codes.std(1)) > 1e-3


def test_averaging_members_lowers_the_error(trained):
    """The mean over members beats the members' mean, by their variance."""
    model, images, _ = trained
    mean, spread = model.reconstruct(tf.constant(images))
    averaged = np.mean((mean - images) ** 2)
    single = []
    for index in range(model.members):
        codes = encoder_energy.codes(
            model.encoder, model.ensemble.member(index), tf.constant(images)
        )
        single.append(np.mean((model.decode(codes) - images) ** 2))
    assert averaged < np.mean(single)
    np.testing.assert_allclose(
        np.mean(single) - averaged, np.mean(np.square(spread)), rtol=1e-3
    )


def test_without_a_thermostat_nothing_holds_the_temperature(trained):
    """Negative control: minibatches heat encoders whose thermostats stand."""
    model, images, _ = trained
    evaluator = encoder_energy.sampling(
        model.encoder,
        model.decoder,
        encoder_energy.values(model.decoder),
        tf.constant(images),
        32,
    )
    kinetic = []
    for masses in (None, [1e14] * 4):
        kernel = nose_hoover.nose_hoover_chain(
            evaluator, 1.0, 1e-6, chain_length=4, masses=masses, chain_ndims=0
        )
        state = kernel.init(encoder_energy.values(model.encoder), seeds.seed(0))
        _, found = run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=400,
            observer=total(lambda _, info: info.kinetic_temperature),
        )
        kinetic.append(float(found) / 400 / 1e-6)
    # Outside what the ensemble's own temperature keeps to, above.
    assert 0.85 < kinetic[0] < 1.25
    assert not 0.85 < kinetic[1] < 1.25
