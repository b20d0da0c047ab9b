"""A transposed convolution that doubles the side, fast on a CPU."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_KERNEL = 4
# From so many channels on, oneDNN spends as long on the kernel as on products.
_WIDE = 1024


@keras.saving.register_keras_serializable("thermozoo")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """keras.layers.Conv2DTranspose of 4 x 4 kernels, stride 2, same padding.

    Weights, results up to rounding, and the name under which files keep the
    weights are Keras's. Two kinds of layers are computed as one matrix product
    whose 4 x 4 patches are then summed where they overlap, measured at batch
    75 on 2 cores:

        wide, 1024 channels to 512 on 4 x 4: half of the time, with gradient
        to few channels, 128 to 1 or 3: the forward pass alone, half or less

    Every other one keeps TensorFlow's convolution, which passes less over
    memory.
    """

    def __init__(self, filters: int, **kwargs: Any):
        """Makes the layer.

        Args:
            filters: channels of the output.
            **kwargs: Keras's own, as `kernel_initializer`; those of the shape
                are fixed.
        """
        shape = {"kernel_size": _KERNEL, "strides": 2, "padding": "same"}
        super().__init__(filters, **{**kwargs, **shape})

    def call(self, inputs: Any) -> Any:
        """Maps [B, H, W, channels] to [B, 2 H, 2 W, filters]."""
        kernel: Any = tf.convert_to_tensor(self.kernel)
        few = _KERNEL**2 * self.filters <= kernel.shape[-1]
        if kernel.shape[-1] < _WIDE and not few:
            return super().call(inputs)
        product: Any = _few_channels if few else _wide
        outputs = tf.nn.bias_add(product(inputs, kernel), self.bias)
        return self.activation(outputs)


@tf.custom_gradient
def _few_channels(x: Any, kernel: Any) -> tuple[Any, Callable]:
    def gradients(dy: Any) -> tuple[Any, Any]:
        back = tf.raw_ops.Conv2DBackpropFilter(
            input=dy,
            filter_sizes=kernel.shape,
            out_backprop=x,
            strides=[1, 2, 2, 1],
            padding="SAME",
        )
        return tf.nn.conv2d(dy, kernel, 2, "SAME"), back

    return _folded_product(x, kernel), gradients


@tf.custom_gradient
def _wide(x: Any, kernel: Any) -> tuple[Any, Callable]:
    def gradients(dy: Any) -> tuple[Any, Any]:
        patches, matrix = _unfold(dy), _matrix(kernel)
        back = tf.matmul(patches, _rows(x), transpose_a=True)
        return (
            tf.reshape(tf.matmul(patches, matrix), tf.shape(x)),
            tf.reshape(back, kernel.shape),
        )

    return _folded_product(x, kernel), gradients


def _folded_product(x: Any, kernel: Any) -> tf.Tensor:
    height, width = x.shape[1:3]
    patches = tf.matmul(_rows(x), _matrix(kernel), transpose_b=True)
    return _fold(patches, height, width, kernel.shape[2])


def _rows(x: Any) -> tf.Tensor:
    """[B, H, W, channels] as [B H W, channels]."""
    return tf.reshape(x, [-1, x.shape[-1]])


def _matrix(kernel: Any) -> tf.Tensor:
    """[4, 4, out, in] as [16 out, in], which moves nothing."""
    return tf.reshape(kernel, [-1, kernel.shape[-1]])


def _fold(patches: Any, height: int, width: int, depth: int) -> tf.Tensor:
    """Sums patches [B H W, 4 4 C] into [B, 2 H, 2 W, C], 2 pixels apart.

    Pixel k = 2 q + s of the patch at i falls on 2 (i + q) + s of an image with
    an edge of one pixel, so that along one axis only two patches overlap: the
    first halves, q = 0, and the second ones, one place on.
    """
    x = tf.reshape(patches, [-1, height, width, 2, 8 * depth])
    x = _overlap(x[:, :, :, 0], x[:, :, :, 1], 1)
    x = tf.reshape(x, [-1, width, 2, 2, 2 * depth])
    x = tf.transpose(x, [0, 2, 1, 3, 4])
    x = _overlap(x[:, :, :, 0], x[:, :, :, 1], 2)
    x = tf.reshape(x, [-1, 2 * height + 2, 2 * width + 2, depth])
    return x[:, 1:-1, 1:-1]


def _overlap(first: Any, second: Any, axis: int) -> tf.Tensor:
    def padded(x: Any, before: int, after: int) -> tf.Tensor:
        pads = [[0, 0]] * 4
        pads[axis] = [before, after]
        return tf.pad(x, pads)

    return padded(first, 0, 1) + padded(second, 1, 0)


def _unfold(image: Any) -> tf.Tensor:
    """The patches of [B, 2 H, 2 W, C] that `_fold` sums: [B H W, 4 4 C]."""
    height, width, depth = (
        image.shape[1] // 2,
        image.shape[2] // 2,
        image.shape[3],
    )
    x = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]])
    x = tf.reshape(x, [-1, 2 * height + 2, width + 1, 2 * depth])
    x = tf.concat([x[:, :, :-1], x[:, :, 1:]], 3)
    x = tf.reshape(x, [-1, height + 1, 2, width, 4 * depth])
    x = tf.transpose(x, [0, 1, 3, 2, 4])
    x = tf.reshape(x, [-1, height + 1, width, 8 * depth])
    return tf.reshape(tf.concat([x[:, :-1], x[:, 1:]], 3), [-1, 16 * depth])
