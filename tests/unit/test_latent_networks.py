"""The networks of the latent-space prior: sizes of the thesis, bad sizes."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import layers


def shapes(model) -> list[tuple]:
    return [tuple(weight.shape) for weight in model.weights]


def test_energy_is_the_thesis_s():
    model = layers.latent_energy(80)
    assert shapes(model) == [
        *((80, 100), (100,), (100, 100), (100,), (100, 1), (1,)),
    ]
    slopes = [
        layer.negative_slope
        for layer in model.layers
        if isinstance(layer, keras.layers.LeakyReLU)
    ]
    assert slopes == [0.1, 0.1]
    # Energies of both signs: the last unit is linear.
    z = tf.constant(np.random.default_rng(0).normal(size=(64, 80)), tf.float32)
    energies = model(z).numpy()
    assert energies.shape == (64, 1) and energies.min() < 0 < energies.max()


@pytest.mark.parametrize(
    ("side", "channels", "maps"),
    [
        (32, 3, [(4, 1024), (8, 512), (16, 256)]),
        (64, 3, [(4, 1024), (8, 512), (16, 256), (32, 128)]),
        (28, 1, [(7, 1024), (14, 512)]),
    ],
)
def test_generator_doubles_and_halves(side, channels, maps):
    model: Any = layers.latent_generator((side, side, channels), 100)
    hidden = [
        tuple(layer.output.shape[1::2])
        for layer in model.layers
        if layer.name.startswith("leaky_re_lu")
    ]
    assert hidden == maps
    assert model.output_shape == (None, side, side, channels)
    kernels = [shape for shape in shapes(model) if len(shape) == 4]
    assert {shape[:2] for shape in kernels} == {(4, 4)}
    assert kernels[-1] == (4, 4, channels, maps[-1][1])


def test_generator_of_other_shapes():
    for shape in [(8, 8, 1), (16, 32, 3), (56, 40, 1)]:
        model = layers.latent_generator(shape, 3, filters=1)
        assert model(tf.zeros([2, 3])).shape == (2, *shape)


def test_generator_is_linear_at_its_end():
    model = layers.latent_generator((8, 8, 1), 3, filters=2)
    z = 1e3 * np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
    images = model(z).numpy()
    assert images.min() < -1 and images.max() > 1


@pytest.mark.parametrize("build", ["latent_energy", "latent_generator"])
def test_the_seed_makes_the_weights(build):
    shape = () if build == "latent_energy" else ((16, 16, 1),)

    def weights(seed):
        return getattr(layers, build)(*shape, 4, seed=seed).get_weights()

    for one, two, other in zip(weights(3), weights(3), weights(4), strict=True):
        np.testing.assert_array_equal(one, two)
        if one.ndim > 1:
            assert np.abs(one - other).max() > 0


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((30, 30, 1), "32 x 32"),
        ((33, 33, 3), "40 x 40"),
        ((7, 7, 1), "8 x 8"),
        ((30, 36, 1), "32 x 40"),
        ((4, 64, 3), "8 x 64"),
    ],
)
def test_a_size_that_doubling_does_not_reach(shape, remedy):
    with pytest.raises(errors.InputError, match=remedy) as caught:
        layers.latent_generator(shape, 4)
    line = str(caught.value)
    assert str(shape) in line and "\n" not in line
    sides = [int(side) for side in remedy.split(" x ")]
    layers.latent_generator((*sides, shape[2]), 4, filters=1)
