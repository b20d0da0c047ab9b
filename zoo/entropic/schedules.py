"""Temperatures as functions of the number of decoder updates."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

import errors
from zoo import arguments

_NAMES = ("constant", "linear", "exponential", "cyclic")


class Schedule(NamedTuple):
    """How the temperature changes; a constant one needs no more than a name.

    Attributes:
        name: "constant"; "linear" or "exponential", which reach `final` after
            so many updates and stay there; or "cyclic", which swings there
            and back, half a cosine each way, once in so many updates.
        final: a temperature.
        updates: decoder updates of the ramp, or of one cycle.
    """

    name: str = "constant"
    final: float | None = None
    updates: int | None = None


CONSTANT = Schedule()


def check(schedule: Any) -> dict[str, Any]:
    """Returns the fields of a Schedule as a dict.

    Args:
        schedule: a Schedule, None, or a dict with some of its fields.

    Raises:
        errors.InputError: an unknown field or name, or a field that the
            schedule of that name lacks or does not have.
    """
    fields = arguments.group("temperature_schedule", Schedule, schedule)
    name = fields["name"]
    arguments.one_of("temperature_schedule.name", name, _NAMES)
    given = [key for key, value in fields.items() if value is not None]
    wanted = ["name"] if name == "constant" else list(fields)
    if given != wanted:
        raise errors.InputError(
            f"temperature_schedule {name!r} has {', '.join(given)}: it needs "
            f"exactly {', '.join(wanted)}"
        )
    if name != "constant":
        arguments.positive("temperature_schedule.final", fields["final"])
        arguments.positive_int(
            "temperature_schedule.updates", fields["updates"]
        )
    return fields


def temperature(
    schedule: Mapping[str, Any], initial: float
) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from the number of decoder updates to a temperature.

    Args:
        schedule: as `check` returns it.
        initial: temperature before the first update.
    """
    name, final, length = (schedule[key] for key in Schedule._fields)
    if name == "constant":
        return lambda update: tf.constant(initial, tf.float32)
    ratio = math.log(final / initial)

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
