"""A convolution and its LeakyReLU, fast under a gradient by the image."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

import errors
from layers import minimal_filtering

# Channels of the input up to which a gradient by blocks pays: with 32 filters
# on 32 x 32 the layer with its gradient takes 0.5 of the time with 1 channel,
# 0.6 with 3 and 4, all of it with 5.
_FEW = 4
# Channels from which on, and pixels up to which, fewer products pay.
_WIDE, _SMALL = 128, 64


@keras.saving.register_keras_serializable("thermozoo")
class Conv2D(keras.layers.Conv2D):
    """keras.layers.Conv2D, and then keras.layers.LeakyReLU.

    Weights, results up to rounding, and the name under which files keep the
    weights are Keras's. Three things differ, for the gradient by the input that
    a chain over images needs at every step:

        The gradient of the LeakyReLU reads its output, which has the sign of
        its input, so that TensorFlow computes the convolution, the bias and
        the LeakyReLU at once and keeps nothing in between.

        Of 3 x 3 convolutions of stride 1 from few channels, an image's, the
        gradient by the input is a convolution to blocks of 2 x 2 pixels, whose
        channels then are enough to fill the registers of a CPU.

        4 x 4 convolutions of stride 2 of small wide maps, 8 x 8 of 128
        channels, take fewer products, there and back. Their kernel is
        transformed at every call, which tens of images pay for.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        *args: Any,
        negative_slope: float = 0.3,
        **kwargs: Any,
    ):
        """Makes the layer.

        Args:
            filters: channels of the output.
            kernel_size: one side or two.
            *args: Keras's own, as `strides` and `padding`.
            negative_slope: of the LeakyReLU below zero, at least 0; Keras's
                default.
            **kwargs: Keras's own, but for `activation`.

        Raises:
            errors.InputError: `negative_slope` is negative or not finite, or
                an activation is given.
        """
        if not (math.isfinite(negative_slope) and negative_slope >= 0):
            raise errors.InputError(
                f"negative_slope is {negative_slope}, which must be finite and"
                " at least 0; Hill 2020 takes 0.05"
            )
        super().__init__(filters, kernel_size, *args, **kwargs)
        if self.activation is not keras.activations.linear:
            raise errors.InputError(
                f"activation is {keras.activations.serialize(self.activation)},"
                " but the layer's is the LeakyReLU; leave it out, or take"
                " keras.layers.Conv2D"
            )
        self.negative_slope = float(negative_slope)

    def call(self, inputs: Any) -> Any:
        """Maps [B, H, W, channels] to [B, H', W', filters]."""
        return _leaky_relu(super().call(inputs), self.negative_slope)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution alone."""
        sides, channels = inputs.shape[1:3], inputs.shape[3]
        shape = (self.kernel_size, self.strides)
        if (
            self.dilation_rate != (1, 1)
            or self.padding != "same"
            or self.data_format != "channels_last"
            or self.groups != 1
            or None in sides
        ):
            return super().convolution_op(inputs, kernel)
        if (
            shape == ((3, 3), (1, 1))
            and channels <= _FEW
            and all(side % 2 == 0 for side in sides)
        ):
            return _few_channels(inputs, tf.convert_to_tensor(kernel))
        if (
            shape == ((4, 4), (2, 2))
            and channels >= _WIDE
            and self.filters >= 2 * _WIDE
            and all(side % 4 == 0 for side in sides)
            and math.prod(sides) <= _SMALL
        ):
            return minimal_filtering.strided_convolution(
                inputs, tf.convert_to_tensor(kernel)
            )
        return super().convolution_op(inputs, kernel)

    def get_config(self) -> dict[str, Any]:
        """Keras's, with the slope in the activation's place."""
        config = super().get_config()
        del config["activation"]
        return {**config, "negative_slope": self.negative_slope}


def _leaky_relu(x: Any, slope: float) -> Any:
    @tf.custom_gradient
    def activated(x: Any) -> tuple[Any, Callable]:
        y = tf.nn.leaky_relu(x, slope)

        def gradient(dy: Any) -> Any:
            return tf.raw_ops.LeakyReluGrad(
                gradients=dy, features=y, alpha=slope
            )

        return y, gradient

    return activated(x)


@tf.custom_gradient
def _few_channels(x: Any, kernel: Any) -> tuple[Any, Callable]:
    def gradients(dy: Any) -> tuple[Any, Any]:
        blocks = tf.nn.conv2d(dy, _block_kernel(kernel), 2, "SAME")
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=kernel.shape,
            out_backprop=dy,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return tf.nn.depth_to_space(blocks, 2), of_kernel

    return tf.nn.conv2d(x, kernel, 1, "SAME"), gradients


def _block_kernel(kernel: Any) -> tf.Tensor:
    """From the output's gradient to 2 x 2 pixels of the input's.

    Pixel (r, s) of a block is reached from 3 x 3 of the 4 x 4 pixels around
    the block, those that begin at (r, s).

    Args:
        kernel: [3, 3, channels, filters].

    Returns:
        [4, 4, filters, 2 2 channels].
    """
    flipped = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
    pixels = [
        tf.pad(flipped, [[r, 1 - r], [s, 1 - s], [0, 0], [0, 0]])
        for r in (0, 1)
        for s in (0, 1)
    ]
    return tf.concat(pixels, 3)
