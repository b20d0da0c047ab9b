"""A strided convolution of small wide maps with fewer products."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

# F(2, 2) of Winograd's minimal filtering: two outputs x0 w0 + x1 w1 and
# x1 w0 + x2 w1 are sums of three products, (x0 - x1) w0, x1 (w0 + w1) and
# (x2 - x1) w1.
_INPUTS = np.array([[1, -1, 0], [0, 1, 0], [0, -1, 1]], np.float32)
_OUTPUTS = np.array([[1, 1, 0], [0, 1, 1]], np.float32)


@tf.custom_gradient
def strided_convolution(x: Any, kernel: Any) -> tuple[Any, Callable]:
    """tf.nn.conv2d(x, kernel, 2, "SAME") of a 4 x 4 kernel, up to rounding.

    A convolution of stride 2 is one of 2 x 2 over blocks of 2 x 2 pixels. Of
    that, 2 x 2 outputs take 9 products in place of 16 (Lavin and Gray 2016),
    and so does the gradient by the input. What is saved is paid for in passes
    over memory, the kernel's among them; those before and after the products
    are products themselves, with a constant matrix of all pixels.

    Args:
        x: [B, H, W, channels], the sides known and multiples of 4.
        kernel: [4, 4, channels, filters].

    Returns:
        [B, H / 2, W / 2, filters].
    """
    height, width, channels = x.shape[1:]
    filters = kernel.shape[-1]
    before, after = _matrices(height, width)

    def gradients(dy: Any) -> tuple[Any, Any]:
        of_x = _products(
            dy, after, _kernels(kernel), before.T, channels, transposed=True
        )
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=kernel.shape,
            out_backprop=dy,
            strides=[1, 2, 2, 1],
            padding="SAME",
        )
        return tf.reshape(of_x, tf.shape(x)), of_kernel

    y = _products(x, before, _kernels(kernel), after.T, filters)
    return tf.reshape(y, [-1, height // 2, width // 2, filters]), gradients


def _products(
    x: Any,
    before: np.ndarray,
    kernels: Any,
    after: np.ndarray,
    channels: int,
    transposed: bool = False,
) -> tf.Tensor:
    """Pixels to the nine products' factors, the products, and to pixels."""
    depth = kernels.shape[2 if transposed else 1]
    x = tf.reshape(x, [-1, before.shape[1], x.shape[-1]])
    x = tf.matmul(tf.constant(before, x.dtype), x)
    x = tf.reshape(x, [-1, 9, before.shape[0] // 9 * x.shape[-1]])
    x = tf.reshape(tf.transpose(x, [1, 0, 2]), [9, -1, depth])
    x = tf.matmul(x, kernels, transpose_b=transposed)
    x = tf.reshape(x, [9, -1, after.shape[1] // 9 * channels])
    x = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, after.shape[1], channels])
    return tf.matmul(tf.constant(after, x.dtype), x)


def _kernels(kernel: Any) -> tf.Tensor:
    """[4, 4, channels, filters] as [9, 2 2 channels, filters]."""

    def three(first: Any, second: Any) -> list[Any]:
        return [first, first + second, second]

    parts = [
        part
        for row in three(kernel[:2], kernel[2:])
        for part in three(row[:, :2], row[:, 2:])
    ]
    return tf.reshape(tf.stack(parts), [9, -1, kernel.shape[-1]])


def _matrices(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """From pixels, and from the outputs' pixels, to the products' factors.

    Returns:
        [9 tiles 2 2, H W] and [9 tiles, H / 2 W / 2].
    """
    (rows, rows_out), (columns, columns_out) = map(_axis, (height, width))
    before = np.einsum("mipy,njqx->mnijpqyx", rows, columns)
    after = np.einsum("miy,njx->mnijyx", rows_out, columns_out)
    return (
        before.reshape(-1, height * width),
        after.reshape(-1, height * width // 4),
    )


def _axis(side: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of one axis: [3, tiles, 2, side] and [3, tiles, side / 2].

    A tile is two outputs; it sees three blocks of two pixels, the first of
    which begins one pixel before the tile's own.
    """
    pixels = np.pad(np.eye(side, dtype=np.float32), [[1, 1], [0, 0]])
    tiles = [pixels[i : i + 6].reshape(3, 2, side) for i in range(0, side, 4)]
    outputs = np.eye(side // 2, dtype=np.float32)
    return (
        np.einsum("mb,ibpx->mipx", _INPUTS, np.stack(tiles)),
        np.einsum("om,iox->mix", _OUTPUTS, outputs.reshape(-1, 2, side // 2)),
    )
