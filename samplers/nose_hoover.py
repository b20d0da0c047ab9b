"""Molecular dynamics at a temperature: the Nose-Hoover chain kernel."""

from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import energies, particles, seeds, thermostat
from samplers.kernel import Kernel


class State(NamedTuple):
    """What a Nose-Hoover chain carries; [chains] is [] for a single chain.

    Attributes:
      position: [chains, *event], or a structure of such tensors.
      velocity: like the position, in units of position over time.
      energy: [chains], at the position.
      gradient: of the energy, like the position.
      kinetic_energy: [chains], of the velocity.
      eta: [chains, chain_length], the integrals of the thermostats' velocities.
      eta_velocity: [chains, chain_length], in units of 1/time.
      step: int32 [], how many steps were taken.
    """

    position: Any
    velocity: Any
    energy: Any
    gradient: Any
    kinetic_energy: Any
    eta: Any
    eta_velocity: Any
    step: Any


class Info(NamedTuple):
    """What a Nose-Hoover step reports.

    Attributes:
      energy: [chains], at the new position.
      kinetic_temperature: [chains], sum of m v^2 over N: T on average.
      conserved: [chains], the extended energy, which the exact dynamics
        conserves (redraws of the velocity and minibatches do not).
      aux: from the evaluator.
    """

    energy: Any
    kinetic_temperature: Any
    conserved: Any
    aux: Any = ()


def nose_hoover_chain(
    energy_fn: Any,
    step_size: Any,
    temperature: Any = 1.0,
    chain_length: int = 4,
    relaxation_time: Any = None,
    masses: Any = None,
    mass: Any = 1.0,
    suzuki_yoshida: int = 1,
    redraw_every: int = 0,
    chain_ndims: int = 1,
) -> Kernel:
    """Newton's equations under a chain of thermostats, p ~ exp(-(U + K)/T).

    Each step is symmetric in time: half a thermostat, half a kick, a drift,
    one gradient, half a kick, half a thermostat (Martyna, Klein and Tuckerman
    1992; the thermostats by a red-black sweep, see `thermostat`). A chain of
    one thermostat is not ergodic on stiff or harmonic energies.

    Args:
      energy_fn: U(x: [chains, *event]) -> [chains], or an Evaluator.
      step_size: h, in units of time; a number or a scalar tensor.
      temperature: T, in units of energy; a number, a scalar tensor, or a
        tensor [chains].
      chain_length: M, the number of thermostats, at least 1.
      relaxation_time: tau, the thermostats' time scale; 20 h if None.
      masses: the thermostats' Q_j. None: N T tau^2 for all, which stays tame
        from a cold start; "textbook": T tau^2 for j > 1, for chains that are
        near equilibrium; or a tensor [chain_length].
      mass: m of the particles; a number or a scalar tensor.
      suzuki_yoshida: 1, or 3 for a fourth-order thermostat.
      redraw_every: draw velocities from N(0, T/m) afresh each so many steps
        (Andersen 1980); 0 for never. Needed where one thermostat cannot mix
        the modes of an energy, as on harmonic ones.
      chain_ndims: 1, or 0 for a single chain with a scalar energy.

    Returns:
      A Kernel. `init(position, seed=None, batch=None, velocity=None)` draws
      velocities at temperature T from the seed unless they are given.

    Raises:
      InputError: an argument outside its range.
    """
    evaluator = energies.as_evaluator(energy_fn)
    _check(chain_length, masses, suzuki_yoshida, redraw_every)
    for name, value in (
        ("step_size", step_size),
        ("temperature", temperature),
        ("relaxation_time", relaxation_time),
        ("mass", mass),
    ):
        particles.positive(name, value)

    def constants(position: Any) -> tuple[Any, ...]:
        dtype = particles.dtype_of(position)
        h = particles.scalar(step_size, dtype)
        temp = particles.scalar(temperature, dtype)
        tau = 20.0 * h if relaxation_time is None else relaxation_time
        freedom = particles.degrees_of_freedom(position, chain_ndims)
        q = _masses(
            masses, chain_length, freedom, temp, particles.scalar(tau, dtype)
        )
        return h, temp, particles.scalar(mass, dtype), freedom, q

    def drawn(seed: Any, position: Any) -> Any:
        _, temp, m, _, _ = constants(position)
        noise = particles.normal_like(seed, position)
        return particles.scaled(tf.sqrt(temp / m), noise)

    def kinetic(velocity: Any) -> Any:
        m = particles.scalar(mass, particles.dtype_of(velocity))
        return m * particles.half_square(velocity, chain_ndims)

    def init(
        position: Any, seed: Any = None, batch: Any = None, velocity: Any = None
    ) -> State:
        position = particles.convert(position, chain_ndims)
        energy_seed = None
        if seed is not None:
            velocity_seed, energy_seed = seeds.split(seed, 2)
            if velocity is None:
                velocity = drawn(velocity_seed, position)
        if velocity is None:
            raise errors.InputError(
                "seed None and velocity None: pass init(position, seed) to "
                "draw velocities at the temperature, or give them"
            )
        velocity = particles.convert(velocity, chain_ndims)
        evaluation = energies.first_evaluation(
            evaluator, position, energy_seed, batch, chain_ndims
        )
        kinetic_energy = kinetic(velocity)
        eta = tf.stack([tf.zeros_like(kinetic_energy)] * chain_length, -1)
        return State(
            position,
            velocity,
            evaluation.energy,
            evaluation.gradient,
            kinetic_energy,
            eta,
            eta,
            tf.constant(0),
        )

    def redrawn(seed: Any, state: State) -> State:
        def redraw() -> tuple[Any, Any]:
            velocity = drawn(seed, state.position)
            return velocity, kinetic(velocity)

        due = (state.step > 0) & (state.step % redraw_every == 0)
        velocity, kinetic_energy = tf.cond(
            due, redraw, lambda: (state.velocity, state.kinetic_energy)
        )
        return state._replace(velocity=velocity, kinetic_energy=kinetic_energy)

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        velocity_seed, energy_seed = seeds.split(seed, 2)
        if redraw_every:
            state = redrawn(velocity_seed, state)
        h, temp, m, freedom, q = constants(state.position)

        def half_thermostat(chain: Any, kinetic_energy: Any) -> Any:
            return thermostat.advance(
                chain,
                2.0 * kinetic_energy,
                0.5 * h,
                q,
                temp,
                freedom,
                suzuki_yoshida,
            )

        # Between the thermostats the velocity stands in units of one step's
        # displacement: the factor h joins the thermostats' factors, and the
        # drift is a sum without a product. Weights are large vectors, and
        # every pass over them counts.
        kick = -0.5 * h * h / m
        chain = thermostat.Chain(state.eta, state.eta_velocity)
        chain, scale = half_thermostat(chain, state.kinetic_energy)
        move = particles.scaled(scale * h, state.velocity)
        move = particles.axpy(kick, state.gradient, move)
        position = particles.combine(tf.add, state.position, move)
        energy, gradient, aux = evaluator.fn(position, energy_seed, batch)
        move = particles.axpy(kick, gradient, move)
        # The one reduction over the particles: the thermostat's factor is
        # known, so the next step starts from the kinetic energy it leaves.
        kinetic_energy = kinetic(move) / (h * h)
        chain, scale = half_thermostat(chain, kinetic_energy)
        velocity = particles.scaled(scale / h, move)
        kinetic_energy = kinetic_energy * scale * scale
        new = State(
            position,
            velocity,
            energy,
            gradient,
            kinetic_energy,
            chain.eta,
            chain.velocity,
            state.step + 1,
        )
        conserved = _conserved(new, q, temp, freedom)
        return new, Info(energy, 2.0 * kinetic_energy / freedom, conserved, aux)

    return Kernel(init, step)


def _check(
    chain_length: Any, masses: Any, suzuki_yoshida: Any, redraw_every: Any
) -> None:
    if not isinstance(chain_length, int) or chain_length < 1:
        raise errors.InputError(
            f"chain_length={chain_length!r} is not a positive integer: "
            "choose 2 or more thermostats"
        )
    if suzuki_yoshida not in thermostat.WEIGHTS:
        raise errors.InputError(
            f"suzuki_yoshida={suzuki_yoshida!r} is unknown: choose 1 or 3"
        )
    if not isinstance(redraw_every, int) or redraw_every < 0:
        raise errors.InputError(
            f"redraw_every={redraw_every!r} is not a number of steps: choose "
            "0 (never) or a positive integer"
        )
    if isinstance(masses, str) and masses != "textbook":
        raise errors.InputError(
            f"masses={masses!r} is unknown: choose 'textbook', None, or a "
            "tensor [chain_length]"
        )
    if masses is None or isinstance(masses, str):
        return
    shape = tf.convert_to_tensor(masses).shape
    if not shape.is_compatible_with([chain_length]):
        raise errors.InputError(
            f"masses of shape {shape} do not fit chain_length={chain_length}: "
            "pass one mass a thermostat"
        )


def _masses(
    masses: Any, chain_length: int, freedom: Any, temp: Any, tau: Any
) -> tf.Tensor:
    """The thermostats' masses, [chain_length] or [chains, chain_length]."""
    if masses is not None and not isinstance(masses, str):
        return particles.scalar(masses, temp.dtype)
    single = temp * tau * tau
    rest = single if masses == "textbook" else freedom * single
    return tf.stack([freedom * single] + [rest] * (chain_length - 1), -1)


def _conserved(state: State, q: Any, temp: Any, freedom: Any) -> tf.Tensor:
    """K + U + sum Q v^2 / 2 + N T eta_1 + T sum_{j>1} eta_j."""
    chain = 0.5 * tf.reduce_sum(q * tf.square(state.eta_velocity), -1)
    heat = (freedom - 1.0) * state.eta[..., 0] + tf.reduce_sum(state.eta, -1)
    return state.kinetic_energy + state.energy + chain + temp * heat
