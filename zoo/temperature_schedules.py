"""Temperatures as functions of the number of decoder updates."""

import math
from collections.abc import Callable, Mapping

import tensorflow as tf

import errors
from zoo import arguments

_KEYS = {
    "constant": (),
    "linear": ("final", "steps"),
    "exponential": ("final", "steps"),
    "cyclic": ("final", "period"),
}


def check(schedule: Mapping | None) -> dict | None:
    """Returns the schedule as a dict, or raises InputError.

    Args:
        schedule: None or dict(name=...), with `final` and `steps` for
            "linear" and "exponential", `final` and `period` for "cyclic".
    """
    if schedule is None:
        return None
    if not isinstance(schedule, Mapping) or "name" not in schedule:
        raise errors.InputError(
            f"temperature_schedule={schedule!r} must be None or a dict with a "
            f"name: {', '.join(_KEYS)}"
        )
    schedule = dict(schedule)
    name = arguments.one_of(
        "temperature_schedule name", schedule["name"], tuple(_KEYS)
    )
    wanted = {"name", *_KEYS[name]}
    if set(schedule) != wanted:
        raise errors.InputError(
            f"temperature_schedule {name!r} has keys {sorted(schedule)}: it "
            f"needs exactly {sorted(wanted)}"
        )
    for key in _KEYS[name]:
        rule = arguments.positive if key == "final" else arguments.positive_int
        schedule[key] = rule(f"temperature_schedule {key}", schedule[key])
    return schedule


def temperature(
    schedule: Mapping | None, initial: float
) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from the number of decoder updates to a temperature.

    linear and exponential go from `initial` to `final` in `steps` updates and
    stay there; cyclic swings between the two, half a cosine down and half up,
    once in `period` updates.

    Args:
        schedule: as `check` returns it.
        initial: temperature before the first update.
    """
    if schedule is None or schedule["name"] == "constant":
        return lambda update: tf.constant(initial, tf.float32)
    final = schedule["final"]
    ratio = math.log(final / initial)
    name = schedule["name"]
    length = schedule["period"] if name == "cyclic" else schedule["steps"]

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
