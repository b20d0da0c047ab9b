"""An ensemble of networks of one architecture, as stacked weights."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

import errors
from layers import weight_lists


@keras.saving.register_keras_serializable("thermozoo")
class WeightEnsemble(keras.layers.Layer):
    """Weights of up to `members` networks, [members, *shape] each.

    The weights are not trainable: a sampler fills them.
    """

    def __init__(self, shapes: Sequence, members: int, **kwargs):
        """Makes an empty ensemble.

        Args:
            shapes: of one network's weights.
            members: number of networks that it can hold.
            **kwargs: Keras's own, as `name`.
        """
        super().__init__(**kwargs)
        self.shapes = [tuple(shape) for shape in shapes]
        self.members = members
        self.stacked = weight_lists.add(
            self, "stacked", [(members, *shape) for shape in self.shapes]
        )
        self.count = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False
        )
        self.built = True

    def fill(self, stacked: Sequence[tf.Tensor]) -> None:
        """Stores n networks, at most `members`; those before are forgotten.

        Args:
            stacked: tensors [n, *shape], in the order of `shapes`.

        Raises:
            errors.InputError: a weight is not finite.
        """
        finite = [tf.reduce_all(tf.math.is_finite(w)) for w in stacked]
        if not bool(tf.reduce_all(finite)):
            raise errors.InputError(
                "the sampled weights are not finite: lower the temperature "
                "or the step size"
            )
        for weight, value in zip(self.stacked, stacked, strict=True):
            empty = tf.zeros_like(weight.value[len(value) :])
            weight.assign(tf.concat([value, empty], 0))
        self.count.assign(len(stacked[0]))

    def require_filled(self) -> None:
        """Raises InputError where no member was stored yet."""
        with tf.init_scope():
            filled = int(self.count.value) > 0
        if not filled:
            raise errors.InputError(
                "the ensemble is empty: call model.prepare(x) with training "
                "examples first, or let zoo.simmer fill it"
            )

    def member(self, index: int) -> list[tf.Tensor]:
        """The weights of one network."""
        return [weight.value[index] for weight in self.stacked]

    def apply(self, function: Callable, dtype: tf.DType) -> tf.Tensor:
        """Stacks function(weights) over the networks stored: [n, ...].

        Raises:
            errors.InputError: the ensemble is empty.
        """
        self.require_filled()
        # AutoGraph would read the function's source file, each time anew.
        plain = tf.autograph.experimental.do_not_convert(function)
        return tf.map_fn(plain, self._values(), fn_output_signature=dtype)

    def moments(self, function: Callable, zeros: tf.Tensor):
        """Mean and standard deviation of function(weights) over members.

        One pass (Welford 1962), so that memory does not grow with members.

        Args:
            function: weights -> tensor shaped like `zeros`.
            zeros: a tensor of zeros of that shape.

        Returns:
            (mean, standard deviation), each like `zeros`.

        Raises:
            errors.InputError: the ensemble is empty.
        """
        self.require_filled()

        def step(carry, weights):
            count, mean, squares = carry
            value = function(weights)
            count += 1.0
            new_mean = mean + (value - mean) / count
            squares += (value - mean) * (value - new_mean)
            return count, new_mean, squares

        count, mean, squares = tf.foldl(
            step, self._values(), initializer=(tf.zeros(()), zeros, zeros)
        )
        return mean, tf.sqrt(squares / count)

    def _values(self) -> list[tf.Tensor]:
        number = self.count.value
        return [
            tf.convert_to_tensor(weight.value)[:number]
            for weight in self.stacked
        ]

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "shapes": [list(shape) for shape in self.shapes],
            "members": self.members,
        }
