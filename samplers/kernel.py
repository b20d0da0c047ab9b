"""What a transition kernel is."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Kernel(NamedTuple):
    """A Markov chain's transition, as pure functions of tensors.

    Attributes:
      init: `init(position, seed=None, batch=None) -> State`, the start of the
        chains. Kernels that carry velocities need the seed to draw them.
      step: `step(seed, state, batch=None) -> (State, Info)`: State is what
        is carried, Info what is reported.
      log_acceptance: `(old state, proposed state) -> [chains]`, the log of
        the Metropolis-Hastings ratio; None where the proposal's density is
        unknown or the energy stochastic.
    """

    init: Callable[..., Any]
    step: Callable[..., tuple[Any, Any]]
    log_acceptance: Callable[[Any, Any], Any] | None = None
