"""How much learning gradients vary, over their entries and over draws.

Each group of parameters (the energy's, the generator's) has a number and a
metric of its own: hand in the gradients of that group.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

import errors


def gradient_spread(gradients: Sequence[Any]) -> tf.Tensor:
    """Variance over the entries of one gradient: Raj 2024's noise measure.

    Its mean is the spread of the expected gradient plus about
    `gradient_variance`, so that it does not vanish where there is no noise.

    Args:
        gradients: tensors of any shapes, P entries in all.

    Returns:
        Scalar, mean of squares less squared mean over all P entries.
    """
    tensors = _tensors(gradients)
    number = tf.cast(sum(tf.size(g) for g in tensors), tensors[0].dtype)
    mean = sum(tf.reduce_sum(g) for g in tensors) / number
    squares = [tf.reduce_sum(tf.square(g - mean)) for g in tensors]
    return sum(squares) / number


def gradient_variance(gradients: Sequence[Any]) -> tf.Tensor:
    """Variance over draws of the gradient, averaged over its entries.

    Args:
        gradients: tensors [R, ...]: row r of all holds the gradient of draw r,
            at the same parameters, with another batch and other chains.

    Returns:
        Scalar, unbiased.

    Raises:
        InputError: one draw only.
    """
    tensors = _tensors(gradients)
    draws = tensors[0].shape[0]
    if draws is not None and draws < 2:
        raise errors.InputError(
            f"gradients of {draws} draw have no variance: pass 2 or more"
        )
    centred = [g - tf.reduce_mean(g, 0, keepdims=True) for g in tensors]
    total = sum(tf.reduce_sum(tf.square(g)) for g in centred)
    rows = tf.shape(tensors[0])[0]
    entries = sum(tf.size(g) for g in tensors) // rows
    return total / tf.cast((rows - 1) * entries, tensors[0].dtype)


@keras.saving.register_keras_serializable("thermozoo")
class GradientSpread(keras.metrics.Mean):
    """`gradient_spread`, averaged over the steps since the last reset."""

    def __init__(self, name: str = "gradient_spread", **kwargs):
        """Starts at zero."""
        super().__init__(name=name, **kwargs)

    def update_state(self, values: Sequence[Any], sample_weight=None):
        """Adds the gradients of a step."""
        super().update_state(gradient_spread(values), sample_weight)


@keras.saving.register_keras_serializable("thermozoo")
class GradientVariance(keras.metrics.Metric):
    """`gradient_variance` of a running training, one gradient a step.

    Half the mean square of successive differences (von Neumann 1941): batches
    and chains are drawn afresh at every step, while the expected gradient
    hardly moves from one to the next and cancels. Chains that persist over
    steps correlate them, and the result is then too small. Holds one copy of
    the gradients.
    """

    def __init__(
        self, shapes: Sequence, name: str = "gradient_variance", **kwargs
    ):
        """Starts with no gradient seen.

        Args:
            shapes: of the gradients.
            name: shown in the log.
            **kwargs: Keras's own, as `dtype`.
        """
        super().__init__(name=name, **kwargs)
        self.shapes = [tuple(shape) for shape in shapes]
        self.last = [
            self.add_variable(shape, "zeros", name=f"last_{index}")
            for index, shape in enumerate(self.shapes)
        ]
        self.entries = sum(tf.TensorShape(s).num_elements() for s in shapes)
        self.total = self.add_variable((), "zeros", name="total")
        self.pairs = self.add_variable((), "zeros", name="pairs")
        self.started = self.add_variable((), "zeros", name="started")

    def update_state(self, gradients: Sequence[Any], sample_weight=None):
        """Adds the gradients of a step.

        Args:
            gradients: of the shapes given at the start.
            sample_weight: not used.
        """
        del sample_weight
        squares = 0.0
        for last, gradient in zip(self.last, gradients, strict=True):
            gradient = tf.cast(gradient, last.dtype)
            squares += tf.reduce_sum(tf.square(gradient - last.value))
            last.assign(gradient)
        # The first gradient has none before it.
        started = tf.convert_to_tensor(self.started.value)
        self.total.assign_add(started * squares / (2.0 * self.entries))
        self.pairs.assign_add(started)
        self.started.assign(tf.ones_like(started))

    def result(self) -> tf.Tensor:
        """Scalar; 0 before the second step."""
        return tf.math.divide_no_nan(self.total.value, self.pairs.value)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "shapes": [list(shape) for shape in self.shapes],
        }


def _tensors(gradients: Sequence[Any]) -> list[tf.Tensor]:
    """Raises InputError where a tape found no gradient."""
    missing = [i for i, gradient in enumerate(gradients) if gradient is None]
    if missing or not gradients:
        raise errors.InputError(
            f"gradients {missing} of {len(gradients)} are missing: pass those "
            "of the parameters that the loss depends on"
        )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]
