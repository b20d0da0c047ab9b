"""TensorFlow Probability's kernels as ours, and ours as theirs.

There a density is `target_log_prob_fn(*parts)`, high where states are likely;
here an energy U and a temperature T with p ~ exp(-U/T). So log p = -U/T both
ways. The library is imported when a function here is called, and not before.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import energies, particles
from samplers.chain import zeros_like_result
from samplers.kernel import Kernel


class State(NamedTuple):
    """What a kernel of TensorFlow Probability carries.

    Attributes:
      position: [chains, *event], or a structure of such tensors.
      results: its kernel results.
    """

    position: Any
    results: Any


class Info(NamedTuple):
    """What a step of such a kernel reports.

    Attributes:
      energy: [chains], at the new position.
      results: the kernel results, e.g. `results.is_accepted`.
    """

    energy: Any
    results: Any


class TransitionResults(NamedTuple):
    """Kernel results of a `transition_kernel`.

    Attributes:
      target_log_prob: [chains], -U/T.
      grads_target_log_prob: like the position, -grad U / T.
      state: the rest of our kernel's State.
      info: our kernel's Info of the step.
      proposed_results: unused; replica exchange writes to it.
      proposed_state: likewise.
    """

    target_log_prob: Any
    grads_target_log_prob: Any
    state: Any
    info: Any
    proposed_results: Any
    proposed_state: Any


def target_log_prob(
    energy_fn: Callable[[Any], Any], temperature: Any = 1.0
) -> Callable[..., Any]:
    """`-U/T` as TensorFlow Probability wants it: a function of the parts.

    Args:
      energy_fn: U(x) -> [chains]; x is one tensor, or a list if there are
        several parts.
      temperature: T; a number or a tensor that broadcasts against [chains].
    """

    def log_prob(*parts: Any) -> Any:
        energy = energy_fn(parts[0] if len(parts) == 1 else list(parts))
        return -energy / particles.scalar(temperature, energy.dtype)

    return log_prob


def kernel(
    make_kernel: Callable[[Callable[..., Any]], Any],
    energy_fn: Callable[[Any], Any],
    temperature: Any = 1.0,
    chain_ndims: int = 1,
) -> Kernel:
    """A kernel of TensorFlow Probability, for `samplers.run`.

    Its draws name no generator, so under XLA they may be slow where numbers
    and not gradients take the time.

    Args:
      make_kernel: `make_kernel(target_log_prob_fn) -> TransitionKernel`, as
        `lambda log_prob: tfp.mcmc.NoUTurnSampler(log_prob, step_size=0.1)`.
      energy_fn: U(x: [chains, *event]) -> [chains], without randomness.
      temperature: T, in units of energy; a number, a scalar tensor, or a
        tensor [chains].
      chain_ndims: 1, or 0 for a single chain with a scalar energy.

    Returns:
      A Kernel; `init(position)` needs neither a seed nor a batch.

    Raises:
      InputError: an argument that cannot be used, or the library is missing.
    """
    _probability()
    particles.positive("temperature", temperature)
    if isinstance(energy_fn, energies.Evaluator) or not callable(energy_fn):
        raise errors.InputError(
            f"energy_fn {type(energy_fn).__name__} is not a plain function: "
            "pass U(position) itself, without seeds or batches"
        )

    def packed(position: Any, parts: Any) -> Any:
        return tf.nest.pack_sequence_as(position, tf.nest.flatten(parts))

    def theirs(position: Any) -> tuple[Any, Any]:
        """Their kernel, and the position as they hold it."""

        def energy_of(parts: Any) -> Any:
            return energy_fn(packed(position, parts))

        parts = tf.nest.flatten(position)
        made = make_kernel(target_log_prob(energy_of, temperature))
        return made, parts[0] if len(parts) == 1 else parts

    def init(position: Any, seed: Any = None, batch: Any = None) -> State:
        del seed
        _no_batch(batch)
        position = particles.convert(position, chain_ndims)
        energies.checked(energy_fn(position), chain_ndims)
        made, parts = theirs(position)
        results = made.bootstrap_results(parts)
        # Some results are Python numbers, which a loop cannot carry.
        results = tf.nest.map_structure(tf.convert_to_tensor, results)
        return State(position, results)

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        _no_batch(batch)
        made, parts = theirs(state.position)
        parts, results = made.one_step(parts, state.results, seed=seed)
        position = packed(state.position, parts)
        # Not computed where nobody looks: compilers drop what is unused.
        return State(position, results), Info(energy_fn(position), results)

    return Kernel(init, step)


def transition_kernel(
    make_kernel: Callable[[Callable[[Any], Any]], Kernel],
    target_log_prob_fn: Callable[..., Any],
    temperature: Any = 1.0,
    calibrated: bool = False,
    seed: Any = None,
) -> Any:
    """One of our kernels as a `tfp.mcmc.TransitionKernel`.

    For `tfp.mcmc.sample_chain`, and as the inner kernel of
    `tfp.mcmc.ReplicaExchangeMC` where ours is exact, as MALA is. Chains of
    replicas have the shape [replicas, chains]: give `chain_ndims=2` to the
    kernel inside, or 1 where there is one chain.

    Args:
      make_kernel: `make_kernel(energy_fn) -> Kernel` at `temperature`, as
        `lambda energy: langevin.langevin(energy, 0.1)`. Its State must have a
        position, an energy and a gradient.
      target_log_prob_fn: log p of the parts of a state. Our kernel sees the
        energy U = -T log p.
      temperature: T, as our kernel has it.
      calibrated: whether our kernel is exact; `sample_chain` warns if not.
      seed: int32[2], for kernels that draw velocities when they start.

    Returns:
      The TransitionKernel; its `one_step` needs a seed, which `sample_chain`
      hands down.

    Raises:
      InputError: the library is missing.
    """
    particles.positive("temperature", temperature)

    def energy_fn(position: Any) -> Any:
        parts = position if isinstance(position, list | tuple) else [position]
        log_prob = target_log_prob_fn(*parts)
        return -particles.scalar(temperature, log_prob.dtype) * log_prob

    return _transition_class()(
        make_kernel(energy_fn), temperature, calibrated, seed
    )


def _no_batch(batch: Any) -> None:
    if batch is not None:
        raise errors.InputError(
            "batches given to a kernel of TensorFlow Probability, which has "
            "no use for them: leave them out"
        )


def _probability() -> Any:
    try:
        import tensorflow_probability
    except ImportError as error:
        raise errors.InputError(
            "tensorflow_probability is not installed: run "
            "pip install 'tensorflow-probability[tf]'"
        ) from error
    return tensorflow_probability


@functools.cache
def _transition_class() -> Any:
    """The class, which can be written once its base is imported."""
    probability = _probability()

    class Transition(probability.mcmc.TransitionKernel):
        """Our kernel, in the terms of TensorFlow Probability."""

        def __init__(
            self, kernel: Kernel, temperature: Any, calibrated: bool, seed: Any
        ):
            self._kernel = kernel
            self._temperature = temperature
            self._calibrated = calibrated
            self._seed = seed

        @property
        def is_calibrated(self) -> bool:
            return self._calibrated

        def bootstrap_results(self, init_state: Any) -> TransitionResults:
            state = self._kernel.init(_listed(init_state), self._seed)
            # The shapes of an Info are known from a step only.
            info = zeros_like_result(
                lambda: self._kernel.step(tf.zeros([2], tf.int32), state)[1]
            )
            return self._results(state, info)

        def one_step(
            self,
            current_state: Any,
            previous_kernel_results: Any,
            seed: Any = None,
        ) -> tuple[Any, TransitionResults]:
            if seed is None:
                raise errors.InputError(
                    "seed None, but our kernels draw from seeds alone: pass "
                    "seed to sample_chain"
                )
            seed = probability.random.sanitize_seed(seed)
            # Replica exchange has its own say in these three.
            state = previous_kernel_results.state._replace(
                position=_listed(current_state),
                energy=self._energy(previous_kernel_results.target_log_prob),
                gradient=tf.nest.map_structure(
                    self._energy, previous_kernel_results.grads_target_log_prob
                ),
            )
            state, info = self._kernel.step(seed, state)
            return state.position, self._results(state, info)

        def _energy(self, log_prob: Any) -> Any:
            temperature = particles.scalar(self._temperature, log_prob.dtype)
            return -particles.over_event(temperature, log_prob) * log_prob

        def _log_prob(self, energy: Any) -> Any:
            temperature = particles.scalar(self._temperature, energy.dtype)
            return -energy / particles.over_event(temperature, energy)

        def _results(self, state: Any, info: Any) -> TransitionResults:
            nan = tf.constant(float("nan"), state.energy.dtype)
            if hasattr(state, "with_velocity"):
                # A velocity that waits for its last half kick would take the
                # gradient of the position that an exchange brings.
                state = state.with_velocity(state.velocity)
            return TransitionResults(
                self._log_prob(state.energy),
                tf.nest.map_structure(self._log_prob, state.gradient),
                state._replace(position=(), energy=(), gradient=()),
                info,
                nan,
                nan,
            )

    return Transition


def _listed(state: Any) -> Any:
    """States are one tensor or a list of parts."""
    if isinstance(state, list | tuple):
        return [tf.convert_to_tensor(part) for part in state]
    return tf.convert_to_tensor(state)
