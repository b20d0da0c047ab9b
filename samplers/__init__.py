"""Markov chain kernels on tensors, and the one loop that runs them.

A kernel is a pair of pure functions, `init(position) -> State` and
`step(seed, state) -> (State, Info)`. Energies are low where states are likely,
p ~ exp(-U/T); positions are [chains, *event] or structures of such tensors.
"""

from samplers import (
    baoab,
    energies,
    exchange,
    ladders,
    langevin,
    metropolis,
    nose_hoover,
    power_posteriors,
    seeds,
    sg_nose_hoover,
    step_sizes,
    tempering,
    tfp_bridge,
)
from samplers.chain import run
from samplers.kernel import Kernel
from samplers.observers import Like, Moments, Observer, moments, total, trace

__all__ = [
    "Kernel",
    "Like",
    "Moments",
    "Observer",
    "baoab",
    "energies",
    "exchange",
    "ladders",
    "langevin",
    "metropolis",
    "moments",
    "nose_hoover",
    "power_posteriors",
    "run",
    "seeds",
    "sg_nose_hoover",
    "step_sizes",
    "tempering",
    "tfp_bridge",
    "total",
    "trace",
]
