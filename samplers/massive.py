"""A chain of thermostats for each particle ("massive").

All is arithmetic on tensors in the shape of the particles, so a step costs as
many passes over them as it has intermediate results. The splitting is chosen
for that: with P the particles and v_2, v_4, ... under v_1, v_3, ..., and A the
positions and v_1, v_3, ... under all the others, a step between two half kicks
is P(h/2) A(h) P(h/2). Two neighbours of P move the even thermostats under the
same forces and frictions, by the exact flow, so that they are one move: the
second waits as the chain's `lag`.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from samplers import particles
from samplers.thermostat import WEIGHTS, Bath, Chain, kicked


def at_rest(position: Any, kinetic: Any, length: int) -> Chain:
    """Thermostats [length][like position] and the sum [chains] of their eta."""
    zeros = tf.nest.map_structure(tf.zeros_like, position)
    return Chain(tf.zeros_like(kinetic), [zeros] * length)


def side(
    chain: Chain, kinetic: Any, duration: Any, bath: Bath
) -> tuple[Chain, Any]:
    """Nothing: no thermostat sees the sum that is known at a step's ends."""
    del duration, bath
    return chain, tf.ones_like(kinetic)


def drift(
    chain: Chain,
    position: Any,
    move: Any,
    mass: Any,
    duration: Any,
    bath: Bath,
    stir: Callable[[Any], Any] | None,
) -> tuple[Chain, Any, Any]:
    """All that happens between two half kicks; see `couplings.Coupling`."""
    eta, levels, lag = chain

    def path(first: int, d: Any) -> Any:
        """By how much the eta of every second level grow, summed."""
        sums = [
            particles.summed(v, chain.eta.shape.rank)
            for level in levels[first::2]
            for v in tf.nest.flatten(level)
        ]
        return d * tf.add_n(sums) if sums else 0.0

    def slowed(move: Any, d: Any) -> Any:
        return particles.combine(
            lambda v, w: v * tf.exp(-particles.over_event(d, v) * w),
            move,
            levels[0],
        )

    for i, weight in enumerate(WEIGHTS[bath.substeps]):
        half = 0.5 * weight * duration
        eta += path(0, half)
        levels = _moved(levels, 1, None, lag + half, bath)
        move = particles.once(slowed(move, half))
        eta += path(1, weight * duration)
        parts = [weight]
        if stir is not None and i == bath.substeps // 2:
            parts = [0.5 * weight, 0.5 * weight]
        for k, part in enumerate(parts):
            if k and stir is not None:
                move = stir(move)
            position = particles.axpy(part, move, position)
            squares = [
                particles.over_event(mass, v) * v * v
                for v in tf.nest.flatten(move)
            ]
            levels = _moved(levels, 0, squares, part * duration, bath)
        eta += path(0, half)
        move = slowed(move, half)
        lag = half
    return Chain(eta, levels, lag), position, move


def energy(chain: Chain, bath: Bath) -> tf.Tensor:
    """Gives sum Q v^2 / 2 + T sum eta, [chains], as N is 1."""
    masses = tf.unstack(bath.masses, len(chain.velocity), axis=-1)
    levels = _moved(chain.velocity, 1, None, chain.lag, bath)
    own = [
        q * tf.add_n(particles.half_squares(level, chain.eta.shape.rank))
        for q, level in zip(masses, levels, strict=True)
    ]
    return tf.add_n(own) + bath.temperature * chain.eta


def _moved(
    levels: Any, first: int, squares: Any, duration: Any, bath: Bath
) -> list[Any]:
    """Moves every second level of thermostats.

    Args:
      levels: M structures like the particles, v_1 to v_M.
      first: 0 moves v_1, v_3, ..., 1 moves v_2, v_4, ...
      squares: m v^2 of the particles, a list of tensors, which drive v_1;
        None if `first` is 1.
      duration: how long, in units of time.
      bath: what they know of the particles.
    """
    like = tf.nest.flatten(levels[0])
    flat = [tf.nest.flatten(level) for level in levels]
    q = tf.unstack(bath.masses, len(levels), axis=-1)
    # Only moves of even thermostats are merged and must be exact, which costs.
    slowed = _flowed if first else kicked
    moved = list(levels)
    for j in range(first, len(levels), 2):
        new = []
        for i, x in enumerate(like):
            if j:
                heat = (
                    particles.over_event(q[j - 1] / q[j], x)
                    * flat[j - 1][i] ** 2
                )
            else:
                heat = particles.over_event(1.0 / q[0], x) * squares[i]
            force = heat - particles.over_event(bath.temperature / q[j], x)
            d = particles.over_event(duration, x)
            if j + 1 == len(levels):
                new.append(flat[j][i] + d * force)
            else:
                new.append(slowed(flat[j][i], force, flat[j + 1][i], d))
        moved[j] = particles.once(tf.nest.pack_sequence_as(levels[j], new))
    return moved


def _flowed(v: Any, force: Any, friction: Any, d: Any) -> Any:
    """Gives v after a time d of v' = force - friction v, exactly."""
    x = d * friction
    small = tf.abs(x) < 1e-3
    safe = tf.where(small, tf.ones_like(x), x)
    # (1 - exp(-x)) / x, whose series is exact to rounding where x is small.
    share = tf.where(
        small,
        1.0 - x * (1.0 / 2.0 - x * (1.0 / 6.0 - x / 24.0)),
        -tf.math.expm1(-safe) / safe,
    )
    return v * (1.0 - x * share) + d * force * share
