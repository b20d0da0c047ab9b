"""The Nose-Hoover chain of thermostats, advanced by a red-black sweep.

A chain of M thermostats with velocities v_1..v_M and masses Q_j drives N
degrees of freedom to temperature T (Martyna, Klein and Tuckerman 1992):

    particles' = -v_1 particles,  v_j' = G_j - v_{j+1} v_j,  eta_j' = v_j,
    G_1 = (sum m v^2 - N T) / Q_1,  G_j = (Q_{j-1} v_{j-1}^2 - T) / Q_j.

Neighbours alone couple, so every second thermostat can move at once: with E
the particles and v_2, v_4, ..., and O the v_1, v_3, ..., the map
S(d) = E(d/2) O(d) E(d/2) is symmetric and preserves the extended measure. It
needs a few operations on short vectors where the usual sweep along the chain
needs several for each thermostat. The particles enter through one number,
twice their kinetic energy, and leave as one factor, so no pass over them is
needed. Where each particle has a chain of its own, see `massive`.
"""

from typing import Any, NamedTuple

import tensorflow as tf

# Weights of a symmetric fourth-order composition (Suzuki 1990, Yoshida 1990).
_OUTER = 1.0 / (2.0 - 2.0 ** (1.0 / 3.0))
WEIGHTS = {1: (1.0,), 3: (_OUTER, 1.0 - 2.0 * _OUTER, _OUTER)}


class Chain(NamedTuple):
    """Thermostats, one chain of M for each chain of particles.

    Attributes:
      eta: [..., M], the integrals of the velocities; with a chain of
        thermostats for each particle (`massive`) their sum.
      velocity: [..., M], in units of 1/time; with `massive` M structures like
        the particles.
      lag: [], for how long v_2, v_4, ... have yet to move: where each particle
        has a chain of its own, their last move is made with the next step's
        first, which saves passes over large vectors. 0 for other chains.
    """

    eta: Any
    velocity: Any
    lag: Any = 0.0


class Bath(NamedTuple):
    """What the thermostats know of the particles.

    Attributes:
      temperature: T, in a shape that broadcasts against the kinetic energy
        of a coupling.
      masses: the Q_j, [..., M].
      freedom: the N of each chain of thermostats.
      substeps: 1 or 3, of the thermostats.
    """

    temperature: Any
    masses: Any
    freedom: Any
    substeps: int


def advance(
    chain: Chain,
    square: Any,
    duration: Any,
    masses: Any,
    temperature: Any,
    freedom: Any,
    substeps: int,
) -> tuple[Chain, Any]:
    """Advances the thermostats, with the particles at rest in position.

    Args:
      chain: the thermostats.
      square: [...], sum of m v^2 over a chain's particles.
      duration: how long, in units of time.
      masses: [..., M], the Q_j.
      temperature: [...] or [], T.
      freedom: [], N.
      substeps: 1, or 3 for the fourth-order composition.

    Returns:
      (chain, scale): the new thermostats, and the factor [...] by which the
      particles' velocities change.
    """
    odd = Chain(chain.eta[..., 0::2], chain.velocity[..., 0::2])
    even = Chain(chain.eta[..., 1::2], chain.velocity[..., 1::2])
    q_odd, q_even = masses[..., 0::2], masses[..., 1::2]
    temp = tf.expand_dims(temperature, -1)
    log_scale = tf.zeros_like(square)
    for weight in WEIGHTS[substeps]:
        d = weight * duration
        even, odd, log_scale = _move_even(
            even, odd, q_even, q_odd, temp, log_scale, d / 2
        )
        heat = square * tf.exp(2.0 * log_scale) - freedom * temperature
        even, odd = _move_odd(even, odd, q_even, q_odd, temp, heat, d)
        even, odd, log_scale = _move_even(
            even, odd, q_even, q_odd, temp, log_scale, d / 2
        )
    merged = Chain(
        _merge(odd.eta, even.eta), _merge(odd.velocity, even.velocity)
    )
    return merged, tf.exp(log_scale)


def _move_even(
    even: Chain,
    odd: Chain,
    q_even: Any,
    q_odd: Any,
    temp: Any,
    log_scale: Any,
    d: Any,
) -> tuple[Chain, Chain, Any]:
    """Moves the particles and v_2, v_4, ... for a time d."""
    v = odd.velocity
    log_scale = log_scale - d * v[..., 0]
    odd = Chain(odd.eta + d * v, v)
    count = even.velocity.shape[-1]
    if count:
        force = (q_odd * v * v)[..., :count] - temp
        friction = _padded(v[..., 1:], even.velocity)
        velocity = kicked(even.velocity, force / q_even, friction, d)
        even = Chain(even.eta, velocity)
    return even, odd, log_scale


def _move_odd(
    even: Chain,
    odd: Chain,
    q_even: Any,
    q_odd: Any,
    temp: Any,
    heat: Any,
    d: Any,
) -> tuple[Chain, Chain]:
    """Moves v_1, v_3, ... for a time d."""
    v = even.velocity
    count = odd.velocity.shape[-1]
    inner = (q_even * v * v)[..., : count - 1] - temp
    force = tf.concat([tf.expand_dims(heat, -1), inner], -1)
    friction = _padded(v, odd.velocity)
    velocity = kicked(odd.velocity, force / q_odd, friction, d)
    return Chain(even.eta + d * v, v), Chain(odd.eta, velocity)


def kicked(v: Any, force: Any, friction: Any, d: Any) -> Any:
    """Gives v after a time d under a force and a friction, to second order."""
    decay = tf.exp(-0.5 * d * friction)
    return decay * (decay * v + d * force)


def _padded(v: Any, like: Any) -> Any:
    """Appends v_{M+1} = 0, where the thermostats `like` end the chain."""
    if v.shape[-1] == like.shape[-1]:
        return v
    return tf.concat([v, tf.zeros_like(like[..., :1])], -1)


def _merge(odd: Any, even: Any) -> Any:
    """Interleaves v_1, v_3, ... with v_2, v_4, ..."""
    n_odd, n_even = odd.shape[-1], even.shape[-1]
    order = [
        j // 2 if j % 2 == 0 else n_odd + j // 2 for j in range(n_odd + n_even)
    ]
    return tf.gather(tf.concat([odd, even], -1), order, axis=-1)
