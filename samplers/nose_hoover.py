"""Molecular dynamics at a temperature: the Nose-Hoover chain kernel."""

import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import errors
from samplers import couplings, energies, particles, seeds, velocities
from samplers.kernel import Kernel
from samplers.thermostat import WEIGHTS, Chain


class State(NamedTuple):
    """What a Nose-Hoover chain carries; [chains] is [] for a single chain.

    The velocities' last half kick and the thermostats' last factor are kept
    aside until they are needed: weights are large vectors, every pass over
    them counts, and the next step takes both into its own.

    Attributes:
      position: [chains, *event], or a structure of such tensors.
      move: like the position, of which it is a change: what the velocity is
        made of.
      kick: [], the half kick that is due: what `move` loses for a unit of the
        gradient.
      scale: like kinetic_energy, in units of 1/time; times what is left of
        `move` it is the velocity.
      energy: [chains], at the position.
      gradient: of the energy, like the position.
      kinetic_energy: [chains], of the velocity; [chains, tensors] with
        thermostat="per_tensor".
      eta: [chains, chain_length], the integrals of the thermostats'
        velocities; [chains, tensors, chain_length] with "per_tensor"; with
        "massive" their sum [chains] over particles and thermostats, which is
        all that the extended energy needs.
      eta_velocity: in units of 1/time; like eta, but with "massive" a list of
        chain_length structures like the position.
      lag: [], in units of time; with "massive" for how long the even
        thermostats have yet to move, which they do in the next step.
      step: int32 [], how many steps were taken.
    """

    position: Any
    move: Any
    kick: Any
    scale: Any
    energy: Any
    gradient: Any
    kinetic_energy: Any
    eta: Any
    eta_velocity: Any
    lag: Any
    step: Any

    @property
    def velocity(self) -> Any:
        """The velocity at the position: like it, position over time."""
        kicked = particles.axpy(-self.kick, self.gradient, self.move)
        return couplings.rescaled(self.scale, kicked, self.energy.shape.rank)

    def with_velocity(self, velocity: Any) -> "State":
        """A copy with another velocity, whose kinetic energy is as before."""
        return self._replace(
            move=velocity,
            kick=tf.zeros_like(self.kick),
            scale=tf.ones_like(self.scale),
        )


class Info(NamedTuple):
    """What a Nose-Hoover step reports.

    Attributes:
      energy: [chains], at the new position.
      kinetic_temperature: [chains], sum of m v^2 over N: T on average.
      conserved: [chains], the extended energy, which the exact dynamics
        conserves (friction, redraws of the velocity and minibatches do not).
      tensor_kinetic_temperature: [chains, tensors], of each tensor of the
        position: all are T on average, and one that is not betrays modes
        that the thermostat does not reach.
      aux: from the evaluator.
    """

    energy: Any
    kinetic_temperature: Any
    conserved: Any
    tensor_kinetic_temperature: Any
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
    thermostat: str = "global",
    friction: Any = 0.0,
) -> Kernel:
    """Newton's equations under a chain of thermostats, p ~ exp(-(U + K)/T).

    Each step is symmetric in time: half a thermostat, half a kick, a drift,
    one gradient, half a kick, half a thermostat (Martyna, Klein and Tuckerman
    1992; the thermostats by a red-black sweep, see `thermostat`). Friction
    acts in the middle of the drift, and thermostats of single particles move
    with it (see `massive`). A chain of one thermostat is not ergodic on stiff
    or harmonic energies.

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
      thermostat: what one chain of thermostats drives: "global", all
        particles; "per_tensor", those of one tensor of the position;
        "massive", one particle (Tobias, Martyna and Klein 1993), which mixes
        the modes and takes up the noise of minibatches weight by weight;
        chain_length=2 suffices there and costs least. N is counted
        accordingly.
      friction: g in units of 1/time, a number or a scalar tensor: the
        velocities also follow an Ornstein-Uhlenbeck process of that rate and
        temperature T, which mixes the modes too. 0 draws nothing.

    Returns:
      A Kernel. `init(position, seed=None, batch=None, velocity=None)` draws
      velocities at temperature T from the seed unless they are given.

    Raises:
      InputError: an argument outside its range.
    """
    evaluator = energies.as_evaluator(energy_fn)
    coupling = couplings.of(thermostat)
    _check(chain_length, masses, suzuki_yoshida, redraw_every)
    # A tensor counts as friction, whatever its value.
    rubs = not (isinstance(friction, int | float) and friction == 0)
    velocities.check(
        step_size=step_size,
        temperature=temperature,
        mass=mass,
        friction=friction,
        relaxation_time=relaxation_time,
    )

    def constants(position: Any) -> tuple[Any, ...]:
        dtype = particles.dtype_of(position)
        h = particles.scalar(step_size, dtype)
        tau = 20.0 * h if relaxation_time is None else relaxation_time
        sizes = particles.sizes(position, chain_ndims)
        bath = couplings.bath(
            coupling,
            sizes,
            particles.scalar(temperature, dtype),
            particles.scalar(tau, dtype),
            masses,
            chain_length,
            suzuki_yoshida,
        )
        return h, particles.scalar(mass, dtype), sizes, bath

    def kinetic_parts(velocity: Any) -> list[tf.Tensor]:
        return particles.half_squares(velocity, chain_ndims)

    def kinetic(velocity: Any) -> Any:
        m = particles.scalar(mass, particles.dtype_of(velocity))
        return m * coupling.gathered(kinetic_parts(velocity))

    def rescaled(scale: Any, x: Any) -> Any:
        return couplings.rescaled(scale, x, chain_ndims)

    def init(
        position: Any, seed: Any = None, batch: Any = None, velocity: Any = None
    ) -> State:
        position, velocity, energy, gradient = velocities.start(
            evaluator,
            position,
            seed,
            batch,
            velocity,
            temperature=temperature,
            mass=mass,
            chain_ndims=chain_ndims,
        )
        kinetic_energy = kinetic(velocity)
        chain = coupling.start(position, kinetic_energy, chain_length)
        return State(
            position,
            velocity,
            tf.zeros([], kinetic_energy.dtype),
            tf.ones_like(kinetic_energy),
            energy,
            gradient,
            kinetic_energy,
            chain.eta,
            chain.velocity,
            tf.zeros([], kinetic_energy.dtype),
            tf.constant(0),
        )

    def redrawn(seed: Any, state: State) -> State:
        def redraw() -> State:
            velocity = velocities.drawn(seed, state.position, temperature, mass)
            drawn = state.with_velocity(velocity)
            return drawn._replace(kinetic_energy=kinetic(velocity))

        due = (state.step > 0) & (state.step % redraw_every == 0)
        return tf.cond(due, redraw, lambda: state)

    def stir(seed: Any, move: Any) -> Any:
        """The velocities, times h, after the friction of a step."""
        h, m, _, _ = constants(move)
        rate = particles.scalar(friction, h.dtype)
        deviation = h * tf.sqrt(particles.scalar(temperature, h.dtype) / m)
        return velocities.stirred(seed, move, rate, h, deviation)

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        velocity_seed, energy_seed = seeds.split(seed, 2)
        stir_seed = velocity_seed
        if rubs:
            velocity_seed, stir_seed = seeds.split(velocity_seed, 2)
        if redraw_every:
            state = redrawn(velocity_seed, state)
        h, m, sizes, bath = constants(state.position)

        # Between the thermostats the velocity stands in units of one step's
        # displacement: the factor h joins the thermostats' factors, and the
        # drift is a sum without a product. The last step's second half kick
        # and this step's first are one.
        kick = 0.5 * h * h / m
        chain = Chain(state.eta, state.eta_velocity, state.lag)
        chain, scale = coupling.side(chain, state.kinetic_energy, 0.5 * h, bath)
        scale *= state.scale * h
        kept = rescaled(scale, state.move)
        lost = rescaled(scale * state.kick + kick, state.gradient)
        move = particles.combine(tf.subtract, kept, lost)
        chain, position, move = coupling.drift(
            chain,
            state.position,
            move,
            m / (h * h),
            h,
            bath,
            functools.partial(stir, stir_seed) if rubs else None,
        )
        energy, gradient, aux = evaluator.fn(position, energy_seed, batch)
        # The one reduction over the particles: the thermostat's factor is
        # known, so the next step starts from the kinetic energy it leaves.
        parts = kinetic_parts(particles.axpy(-kick, gradient, move))
        kinetic_energy = m * coupling.gathered(parts) / (h * h)
        chain, scale = coupling.side(chain, kinetic_energy, 0.5 * h, bath)
        kinetic_energy = kinetic_energy * scale * scale
        new = State(
            position,
            move,
            kick,
            scale / h,
            energy,
            gradient,
            kinetic_energy,
            chain.eta,
            chain.velocity,
            tf.cast(chain.lag, h.dtype),
            state.step + 1,
        )
        total = coupling.total(kinetic_energy)
        by_tensor = tf.square(coupling.by_tensor(scale) / h) * m
        return new, Info(
            energy,
            2.0 * total / tf.reduce_sum(sizes),
            total + energy + coupling.energy(chain, bath),
            2.0 * by_tensor * tf.stack(parts, -1) / sizes,
            aux,
        )

    return Kernel(init, step)


def _check(
    chain_length: Any, masses: Any, suzuki_yoshida: Any, redraw_every: Any
) -> None:
    if not isinstance(chain_length, int) or chain_length < 1:
        raise errors.InputError(
            f"chain_length={chain_length!r} is not a positive integer: "
            "choose 2 or more thermostats"
        )
    if suzuki_yoshida not in WEIGHTS:
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
    known = tf.get_static_value(tf.convert_to_tensor(masses))
    if known is not None and not np.all(known > 0):
        raise errors.InputError(
            f"masses={np.asarray(known).tolist()} must all be positive: they "
            "are the thermostats' Q_j"
        )
    shape = tf.convert_to_tensor(masses).shape
    if not shape.is_compatible_with([chain_length]):
        raise errors.InputError(
            f"masses of shape {shape} do not fit chain_length={chain_length}: "
            "pass one mass a thermostat"
        )
