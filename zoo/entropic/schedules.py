"""Temperatures as functions of the number of decoder updates."""

import math
from collections.abc import Callable, Mapping

import tensorflow as tf

import errors
from zoo import arguments

_NAMES = ("constant", "linear", "exponential", "cyclic")
_KEYS = ("name", "final", "updates")


def check(schedule: Mapping | None) -> dict | None:
    """Returns the schedule as a dict, None for a constant temperature.

    Args:
        schedule: None, or a dict with "name" ("constant", "linear",
            "exponential" or "cyclic"), "final" (a temperature) and "updates"
            (decoder updates of the ramp, or of one cycle). A constant
            temperature needs no more than its name.

    Raises:
        InputError: another form.
    """
    if schedule is None:
        return None
    if not isinstance(schedule, Mapping) or "name" not in schedule:
        raise errors.InputError(
            f"temperature_schedule={schedule!r} must be None or a dict with a "
            f"name: {', '.join(_NAMES)}"
        )
    name = arguments.one_of(
        "temperature_schedule name", schedule["name"], _NAMES
    )
    given = {key for key, value in schedule.items() if value is not None}
    wanted = {"name"} if name == "constant" else set(_KEYS)
    if given != wanted:
        raise errors.InputError(
            f"temperature_schedule {name!r} has keys {sorted(given)}: it "
            f"needs exactly {sorted(wanted)}"
        )
    if name == "constant":
        return None
    return {
        "name": name,
        "final": arguments.positive(
            "temperature_schedule final", schedule["final"]
        ),
        "updates": arguments.positive_int(
            "temperature_schedule updates", schedule["updates"]
        ),
    }


def temperature(
    schedule: Mapping | None, initial: float
) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from the number of decoder updates to a temperature.

    linear and exponential go from `initial` to `final` in so many updates and
    stay there; cyclic swings between the two, half a cosine down and half up,
    once in so many updates.

    Args:
        schedule: as `check` returns it.
        initial: temperature before the first update.
    """
    if schedule is None:
        return lambda update: tf.constant(initial, tf.float32)
    final = schedule["final"]
    ratio = math.log(final / initial)
    name = schedule["name"]
    length = schedule["updates"]

    def value(update: tf.Tensor) -> tf.Tensor:
        done = tf.cast(update, tf.float32) / float(length)
        if name == "cyclic":
            down = 0.5 - 0.5 * tf.cos(2.0 * math.pi * done)
            return initial + (final - initial) * down
        done = tf.minimum(done, 1.0)
        if name == "linear":
            return initial + (final - initial) * done
        return initial * tf.exp(ratio * done)

    return value
