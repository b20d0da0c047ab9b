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
from samplers import massive, particles, thermostat
from samplers.thermostat import Bath


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
      drift: `(chain, position, move, mass, duration, bath, stir) -> (chain,
        position, move)`: the positions move, `move` being velocity times
        duration and `mass` what makes m v^2 of its square, and thermostats
        that see particles move with them. `stir` changes `move` halfway
        unless it is None.
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
    drift: Callable[..., Any]
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


def _drift(
    chain: thermostat.Chain,
    position: Any,
    move: Any,
    mass: Any,
    duration: Any,
    bath: Bath,
    stir: Callable[[Any], Any] | None,
) -> tuple[thermostat.Chain, Any, Any]:
    del mass, duration, bath
    if stir is None:
        move = particles.once(move)
        return chain, particles.combine(tf.add, position, move), move
    stirred = stir(move)
    drift = particles.combine(lambda a, b: 0.5 * (a + b), move, stirred)
    return chain, particles.combine(tf.add, position, drift), stirred


_GLOBAL = Coupling(
    temperature=lambda temperature: temperature,
    freedom=tf.reduce_sum,
    start=_at_rest,
    gathered=lambda parts: parts[0] if len(parts) == 1 else tf.add_n(parts),
    total=lambda kinetic: kinetic,
    side=_side,
    by_tensor=lambda scale: tf.expand_dims(scale, -1),
    drift=_drift,
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
    drift=_drift,
    energy=lambda chain, bath: tf.reduce_sum(_energy(chain, bath), -1),
)


_MASSIVE = Coupling(
    temperature=lambda temperature: temperature,
    freedom=lambda sizes: tf.ones([], sizes.dtype),
    start=massive.at_rest,
    gathered=_GLOBAL.gathered,
    total=lambda kinetic: kinetic,
    side=massive.side,
    by_tensor=_GLOBAL.by_tensor,
    drift=massive.drift,
    energy=massive.energy,
)

_KINDS = {"global": _GLOBAL, "per_tensor": _PER_TENSOR, "massive": _MASSIVE}


def of(thermostat: str) -> Coupling:
    """The coupling of that name.

    Raises:
      InputError: there is none.
    """
    if not isinstance(thermostat, str) or thermostat not in _KINDS:
        raise errors.InputError(
            f"thermostat={thermostat!r} is unknown: choose one of "
            f"{', '.join(map(repr, _KINDS))}"
        )
    return _KINDS[thermostat]
