"""Which particles a chain of thermostats drives: all, a tensor's, or one.

One chain of thermostats for all particles is the cheapest. On energies that
are nearly harmonic it holds the mean over all modes at T while the modes keep
unequal shares; a chain for each particle ("massive", Tobias, Martyna and
Klein 1993) shares energy among them and takes up noise where it enters.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import particles, thermostat


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


class Coupling(NamedTuple):
    """How chains of thermostats and particles belong together.

    Attributes:
      temperature: `(T) -> T` as in `Bath`.
      freedom: `([tensors] sizes) -> N` of each chain of thermostats.
      start: `(position, kinetic energy, M) -> Chain` at rest.
      gathered: `(list of [chains], one a tensor) -> kinetic energy` that the
        chains of thermostats see.
      total: `(kinetic energy) -> [chains]`.
      side: `(chain, kinetic energy, duration, bath) -> (chain, scale)`, for
        thermostats that see sums; they stand at both ends of a step.
      by_tensor: `(scale) -> [chains, tensors]`, or what broadcasts to it.
      middle: `(chain, velocity, mass, duration, bath) -> (chain, velocity)`,
        for thermostats that see particles; they stand in its middle, where
        one sweep a step is enough. None for the others.
      energy: `(chain, bath) -> [chains]`, the thermostats' share of the
        extended energy.
    """

    temperature: Callable[..., Any]
    freedom: Callable[..., Any]
    start: Callable[..., Any]
    gathered: Callable[..., Any]
    total: Callable[..., Any]
    side: Callable[..., Any]
    by_tensor: Callable[..., Any]
    middle: Callable[..., Any] | None
    energy: Callable[..., Any]


def bath(
    coupling: Coupling,
    sizes: Any,
    temperature: Any,
    relaxation_time: Any,
    masses: Any,
    chain_length: int,
    substeps: int,
) -> Bath:
    """The bath of a coupling; see `nose_hoover` for the masses.

    Args:
      coupling: the kind.
      sizes: [tensors], from `particles.sizes`.
      temperature: [] or [chains].
      relaxation_time: [].
      masses: None, "textbook" or [chain_length].
      chain_length: M.
      substeps: 1 or 3.
    """
    temperature = coupling.temperature(temperature)
    freedom = coupling.freedom(sizes)
    if masses is not None and not isinstance(masses, str):
        q = particles.scalar(masses, temperature.dtype)
    else:
        single = temperature * relaxation_time * relaxation_time
        first = freedom * single
        rest = first
        if masses == "textbook":
            rest = tf.broadcast_to(single, tf.shape(first))
        q = tf.stack([first] + [rest] * (chain_length - 1), -1)
    return Bath(temperature, q, freedom, substeps)


def rescaled(scale: Any, x: Any, chain_ndims: int) -> Any:
    """A factor of each chain, or of each tensor of it, times a position.

    Args:
      scale: [chains] or [chains, tensors].
      x: [chains, *event], or a structure of such tensors.
      chain_ndims: 1, or 0 for a single chain.
    """
    if scale.shape.rank == chain_ndims:
        return particles.scaled(scale, x)
    tensors = tf.nest.flatten(x)
    scales = tf.unstack(scale, len(tensors), axis=-1)
    products = [
        particles.scaled(a, b) for a, b in zip(scales, tensors, strict=True)
    ]
    return tf.nest.pack_sequence_as(x, products)


def _at_rest(position: Any, kinetic: Any, length: int) -> thermostat.Chain:
    del position
    eta = tf.stack([tf.zeros_like(kinetic)] * length, -1)
    return thermostat.Chain(eta, eta)


def _side(
    chain: thermostat.Chain, kinetic: Any, duration: Any, bath: Bath
) -> tuple[thermostat.Chain, Any]:
    return thermostat.advance(
        chain,
        2.0 * kinetic,
        duration,
        bath.masses,
        bath.temperature,
        bath.freedom,
        bath.substeps,
    )


def _energy(chain: thermostat.Chain, bath: Bath) -> tf.Tensor:
    """Gives sum Q v^2 / 2 + N T eta_1 + T sum_{j>1} eta_j."""
    own = 0.5 * tf.reduce_sum(bath.masses * tf.square(chain.velocity), -1)
    heat = (bath.freedom - 1.0) * chain.eta[..., 0]
    heat += tf.reduce_sum(chain.eta, -1)
    return own + bath.temperature * heat


_GLOBAL = Coupling(
    temperature=lambda temperature: temperature,
    freedom=tf.reduce_sum,
    start=_at_rest,
    gathered=lambda parts: parts[0] if len(parts) == 1 else tf.add_n(parts),
    total=lambda kinetic: kinetic,
    side=_side,
    by_tensor=lambda scale: tf.expand_dims(scale, -1),
    middle=None,
    energy=_energy,
)


_PER_TENSOR = Coupling(
    temperature=lambda temperature: tf.expand_dims(temperature, -1),
    freedom=lambda sizes: sizes,
    start=_at_rest,
    gathered=lambda parts: tf.stack(parts, -1),
    total=lambda kinetic: tf.reduce_sum(kinetic, -1),
    side=_side,
    by_tensor=lambda scale: scale,
    middle=None,
    energy=lambda chain, bath: tf.reduce_sum(_energy(chain, bath), -1),
)


def _massive_at_rest(
    position: Any, kinetic: Any, length: int
) -> thermostat.Chain:
    zeros = tf.nest.map_structure(tf.zeros_like, position)
    return thermostat.Chain(tf.zeros_like(kinetic), [zeros] * length)


def _massive_side(
    chain: thermostat.Chain, kinetic: Any, duration: Any, bath: Bath
) -> tuple[thermostat.Chain, Any]:
    del duration, bath
    return chain, tf.ones_like(kinetic)


def _massive_middle(
    chain: thermostat.Chain, velocity: Any, mass: Any, duration: Any, bath: Bath
) -> tuple[thermostat.Chain, Any]:
    tensors = tf.nest.flatten(velocity)
    thermostats = [tf.nest.flatten(level) for level in chain.velocity]
    masses = tf.unstack(bath.masses, len(thermostats), axis=-1)
    moved, levels, eta = [], [], chain.eta
    for i, v in enumerate(tensors):
        own, scale, path = thermostat.advance_each(
            [level[i] for level in thermostats],
            particles.over_event(mass, v) * v * v,
            particles.over_event(duration, v),
            [particles.over_event(q, v) for q in masses],
            particles.over_event(bath.temperature, v),
            bath.substeps,
        )
        moved.append(scale * v)
        levels.append(own)
        if eta.shape.rank:
            path = tf.reduce_sum(path, list(range(1, v.shape.rank)))
        else:
            path = particles.whole(path)
        eta += tf.cast(path, eta.dtype)
    packed = [
        tf.nest.pack_sequence_as(velocity, list(level))
        for level in zip(*levels, strict=True)
    ]
    return (
        thermostat.Chain(eta, packed),
        tf.nest.pack_sequence_as(velocity, moved),
    )


def _massive_energy(chain: thermostat.Chain, bath: Bath) -> tf.Tensor:
    masses = tf.unstack(bath.masses, len(chain.velocity), axis=-1)
    own = [
        q * tf.add_n(particles.half_squares(level, chain.eta.shape.rank))
        for q, level in zip(masses, chain.velocity, strict=True)
    ]
    return tf.add_n(own) + bath.temperature * chain.eta


_MASSIVE = Coupling(
    temperature=lambda temperature: temperature,
    freedom=lambda sizes: tf.ones([], sizes.dtype),
    start=_massive_at_rest,
    gathered=_GLOBAL.gathered,
    total=lambda kinetic: kinetic,
    side=_massive_side,
    by_tensor=_GLOBAL.by_tensor,
    middle=_massive_middle,
    energy=_massive_energy,
)

_KINDS = {"global": _GLOBAL, "per_tensor": _PER_TENSOR, "massive": _MASSIVE}


def of(thermostat: str) -> Coupling:
    """The coupling of that name.

    Raises:
      InputError: there is none.
    """
    if thermostat not in _KINDS:
        raise errors.InputError(
            f"thermostat={thermostat!r} is unknown: choose one of "
            f"{', '.join(map(repr, _KINDS))}"
        )
    return _KINDS[thermostat]
