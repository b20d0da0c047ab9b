"""The convolution with its LeakyReLU against Keras's two layers."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
from layers import energy_convolution, minimal_filtering

SLOPE = 0.05
# (height, width, channels) of the input and Keras's arguments: from few
# channels by blocks, and everything that is Keras's own convolution.
CASES: Any = {
    "colours": ((6, 4, 3), {"padding": "same"}),
    "grey": ((4, 6, 1), {"padding": "same", "use_bias": False}),
    "odd": ((5, 4, 3), {"padding": "same"}),
    "wide": ((4, 4, 5), {"padding": "same"}),
    "valid": ((6, 6, 3), {}),
    "dilated": ((6, 6, 3), {"padding": "same", "dilation_rate": 2}),
    "strided": ((8, 6, 4), {"kernel_size": 4, "strides": 2, "padding": "same"}),
    "minimal": (
        (8, 4, 128),
        {"kernel_size": 4, "strides": 2, "padding": "same", "filters": 256},
    ),
    "strided odd": ((7, 5, 4), {"kernel_size": 4, "strides": 2}),
    "one": ((4, 4, 3), {"kernel_size": 1}),
    "groups": ((4, 4, 4), {"groups": 2, "padding": "same"}),
}


def pair(case: str) -> Any:
    """Ours and Keras's with the same weights, and a batch for them."""
    keras.utils.set_random_seed(0)
    shape, arguments = CASES[case]
    arguments = {"filters": 6, "kernel_size": 3, **arguments}
    theirs = keras.Sequential(
        [
            keras.layers.Conv2D(**arguments, bias_initializer="random_normal"),
            keras.layers.LeakyReLU(SLOPE),
        ]
    )
    ours = energy_convolution.Conv2D(**arguments, negative_slope=SLOPE)
    for layer in (theirs, ours):
        layer.build((None, *shape))
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    return ours, theirs, tf.constant(x)


def derivatives(layer, x, jit_compile=False) -> Any:
    """The output, its gradients, and gradients of a gradient."""

    @tf.function(autograph=False, jit_compile=jit_compile)
    def found(x):
        sources = [x, *(variable.value for variable in layer.weights)]
        with tf.GradientTape() as outer:
            outer.watch(sources)
            with tf.GradientTape() as inner:
                inner.watch(sources)
                y = layer(x)
                loss = tf.reduce_sum(tf.sin(y))
            first: Any = inner.gradient(loss, sources)
            total = tf.add_n([tf.reduce_sum(part**2) for part in first])
        return y, *first, *outer.gradient(total, sources)

    return found(x)


@pytest.mark.parametrize("case", CASES)
def test_results_and_gradients_are_those_of_keras(case):
    ours, theirs, x = pair(case)
    found, wanted = derivatives(ours, x), derivatives(theirs, x)
    assert len(found) == 3 + 2 * len(ours.weights)
    assert found[0].shape == (3, *ours.compute_output_shape(x.shape)[1:])
    for a, b in zip(found, wanted, strict=True):
        scale = np.abs(b).max()
        assert scale > 0
        np.testing.assert_allclose(a, b, atol=3e-6 * scale)


def test_compiled_results_are_those_of_keras():
    ours, theirs, x = pair("colours")
    wanted = derivatives(theirs, x)
    for a, b in zip(derivatives(ours, x, True), wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max())


def test_each_shape_takes_its_own_way(monkeypatch):
    taken = []
    for owner, name in (
        (energy_convolution, "_few_channels"),
        (minimal_filtering, "strided_convolution"),
    ):
        fn = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *a, fn=fn: taken.append(case) or fn(*a)
        )
    for case in CASES:
        ours, _, x = pair(case)
        ours(x)
    assert taken == ["colours", "grey", "minimal"]


def test_the_gradient_of_the_activation_reads_its_output():
    # Else TensorFlow cannot compute convolution, bias and activation at once.
    def read_by_gradient(layer, x):
        gradient: Any = tf.function(
            lambda x: tf.gradients(layer(x), x), autograph=False
        )
        operations = gradient.get_concrete_function(x).graph.get_operations()
        (found,) = (op for op in operations if op.type == "LeakyReluGrad")
        return found.inputs[1].op.type

    ours, theirs, x = pair("strided")
    assert read_by_gradient(ours, x) == "LeakyRelu"
    assert read_by_gradient(theirs, x) != "LeakyRelu"


def test_half_precision():
    half: Any = energy_convolution.Conv2D(
        4, 3, padding="same", dtype="mixed_bfloat16"
    )
    x = np.ones([2, 6, 6, 3], np.float32)
    half.build(x.shape)
    with tf.GradientTape() as tape:
        y = half(x)
    assert y.dtype == tf.bfloat16
    found = tape.gradient(y, [weight.value for weight in half.weights])
    assert [part.dtype for part in found] == [tf.float32] * 2


def test_images_of_any_size():
    image = keras.Input((None, None, 3))
    layer = energy_convolution.Conv2D(4, 3, padding="same")
    body: Any = keras.Model(image, layer(image))
    for sides in ((6, 6), (5, 6)):
        assert body(np.ones([2, *sides, 3])).shape == (2, *sides, 4)


def network(ours: bool) -> Any:
    """Two convolutions with LeakyReLUs, ours or Keras's."""
    body: list[Any] = [keras.Input((6, 6, 3))]
    for filters, kernel, stride in ((4, 3, 1), (5, 4, 2)):
        shape: Any = (filters, kernel, stride, "same")
        if ours:
            body.append(energy_convolution.Conv2D(*shape, negative_slope=SLOPE))
        else:
            body += [
                keras.layers.Conv2D(*shape),
                keras.layers.LeakyReLU(SLOPE),
            ]
    return keras.Sequential(body)


def test_weights_and_files_are_those_of_keras(tmp_path):
    keras.utils.set_random_seed(0)
    theirs, ours = network(False), network(True)
    path = str(tmp_path / "theirs.weights.h5")
    theirs.save_weights(path)
    ours.load_weights(path)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a, b)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)
    path = str(tmp_path / "ours.keras")
    ours.save(path)
    again: Any = keras.models.load_model(path)
    assert type(again.layers[0]) is energy_convolution.Conv2D
    assert again.layers[0].negative_slope == SLOPE
    np.testing.assert_array_equal(again(x), ours(x))


@pytest.mark.parametrize("slope", [-0.1, float("nan"), float("inf")])
def test_a_slope_that_is_none_is_refused(slope):
    with pytest.raises(errors.InputError, match="negative_slope is") as error:
        energy_convolution.Conv2D(4, 3, negative_slope=slope)
    assert "\n" not in str(error.value)


def test_another_activation_is_refused():
    with pytest.raises(errors.InputError, match="relu, but") as error:
        energy_convolution.Conv2D(4, 3, activation="relu")
    assert "\n" not in str(error.value)
