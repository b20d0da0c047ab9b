"""The transposed convolution of doublings against Keras's own."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from layers import transposed_convolution

# Wide, to few channels, and neither: (height, width, channels), filters.
SHAPES = [((4, 5, 1024), 66), ((6, 3, 48), 3), ((5, 7, 16), 2)]


def pair(shape, filters) -> Any:
    """Ours and Keras's with the same weights, and a batch for them."""
    keras.utils.set_random_seed(0)
    theirs = keras.layers.Conv2DTranspose(
        filters, 4, 2, "same", bias_initializer="random_normal"
    )
    ours = transposed_convolution.Conv2DTranspose(filters)
    for layer in (theirs, ours):
        layer.build((None, *shape))
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    return ours, theirs, tf.constant(x)


def derivatives(layer, x) -> Any:
    """The output, its gradients, and a gradient of a gradient."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, *x.shape[1:]])], autograph=False
    )
    def found(x):
        weights = [variable.value for variable in layer.weights]
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = layer(x)
                loss = tf.reduce_sum(tf.sin(y))
            first: Any = inner.gradient(loss, [x, *weights])
            back, *of_weights = first
            total = tf.reduce_sum(back**2)
        return y, back, *of_weights, *outer.gradient(total, [x, *weights[:1]])

    return found(x)


@pytest.mark.parametrize(("shape", "filters"), SHAPES)
def test_results_and_gradients_are_those_of_keras(shape, filters):
    ours, theirs, x = pair(shape, filters)
    found, wanted = derivatives(ours, x), derivatives(theirs, x)
    assert found[0].shape == (3, 2 * shape[0], 2 * shape[1], filters)
    for a, b in zip(found, wanted, strict=True):
        scale = np.abs(b).max()
        assert scale > 0
        np.testing.assert_allclose(a, b, atol=3e-5 * scale)


def test_each_shape_takes_its_own_way(monkeypatch):
    taken = []
    for name in ("_wide", "_few_channels"):
        fn = getattr(transposed_convolution, name)
        monkeypatch.setattr(
            transposed_convolution,
            name,
            lambda *a, fn=fn, name=name: taken.append(name) or fn(*a),
        )
    for shape, filters in SHAPES:
        ours, _, x = pair(shape, filters)
        ours(x)
    assert taken == ["_wide", "_few_channels"]


def test_weights_and_files_are_those_of_keras(tmp_path):
    ours = layers.latent_generator((16, 16, 1), 4, filters=2, seed=1)
    theirs = keras.models.clone_model(ours, clone_function=_plain)
    path = str(tmp_path / "theirs.weights.h5")
    theirs.save_weights(path)
    other = layers.latent_generator((16, 16, 1), 4, filters=2, seed=2)
    other.load_weights(path)
    for a, b in zip(other.weights, theirs.weights, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a, b)
    codes = np.ones([2, 4], np.float32)
    np.testing.assert_allclose(other(codes), theirs(codes), atol=1e-5)
    again = keras.models.model_from_json(ours.to_json())
    assert type(again.layers[-1]) is transposed_convolution.Conv2DTranspose


def _plain(layer):
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return keras.layers.Conv2DTranspose(
            layer.filters, 4, strides=2, padding="same"
        )
    return type(layer).from_config(layer.get_config())
