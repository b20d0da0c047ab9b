"""Optimizers by name, and how their rates fall."""

from typing import Any

import keras
import tensorflow as tf

import errors

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
_WITH_MOMENTS = ("adam", "adamw")


@keras.saving.register_keras_serializable("thermozoo")
class StepwiseDecay(keras.optimizers.schedules.LearningRateSchedule):
    """max(final_rate, initial_rate * decay_rate^floor(step / decay_steps))."""

    def __init__(
        self,
        initial_rate: float,
        decay_rate: float,
        decay_steps: int,
        final_rate: float,
    ) -> None:
        """Takes the rates, and how many steps keep one of them."""
        self.initial_rate = initial_rate
        self.decay_rate = decay_rate
        self.decay_steps = decay_steps
        self.final_rate = final_rate

    def __call__(self, step: Any) -> tf.Tensor:
        """The rate at a step."""
        times = tf.cast(tf.cast(step, tf.int64) // self.decay_steps, tf.float32)
        rate = self.initial_rate * tf.pow(self.decay_rate, times)
        return tf.maximum(rate, self.final_rate)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            "initial_rate": self.initial_rate,
            "decay_rate": self.decay_rate,
            "decay_steps": self.decay_steps,
            "final_rate": self.final_rate,
        }


def build(
    name: str,
    learning_rate: float,
    beta_1: float | None = None,
    decay_rate: float | None = None,
    decay_steps: int | None = None,
    final_rate: float | None = None,
    *,
    section: str = "optimizer",
) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a name.

    Args:
        name: "adam", "adamw", "rmsprop" or "sgd".
        learning_rate: at the start.
        beta_1: of Adam's mean of gradients; None: Keras's 0.9.
        decay_rate: factor on the rate every `decay_steps`; None: constant.
        decay_steps: see `decay_rate`; None: 1.
        final_rate: the rate falls no lower; None: 0.
        section: of the config, for messages.

    Raises:
        InputError: the name is unknown, or an option does not fit it.
    """
    if name not in _OPTIMIZERS:
        raise errors.InputError(
            f"config.{section}.name={name!r} is unknown: "
            f"{errors.nearest(name, _OPTIMIZERS)}"
        )
    options: dict[str, Any] = {}
    if beta_1 is not None:
        if name not in _WITH_MOMENTS:
            raise errors.InputError(
                f"config.{section}.beta_1={beta_1!r} is for "
                f"{' and '.join(_WITH_MOMENTS)}: leave it out with {name!r}"
            )
        options["beta_1"] = beta_1
    rate: Any = learning_rate
    if decay_rate is not None:
        rate = StepwiseDecay(
            learning_rate, decay_rate, decay_steps or 1, final_rate or 0.0
        )
    return _OPTIMIZERS[name](learning_rate=rate, **options)
