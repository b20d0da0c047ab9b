"""What a Langevin step of a small energy costs, beside torchebm and PyTorch.

    python benchmarks/langevin.py [--chains=100,1000] [--rounds=5]

Two energies in two dimensions: a mixture of 8 normals on a circle, whose step
is all overhead and random numbers, and a network 2-128-128-1 with SiLU, whose
step is all matrix products. Ours in XLA and in graph mode; torchebm's
`LangevinDynamics`; and the loop that one writes by hand in eager PyTorch.

Measured (2 cores, beside other work, 3 rounds), torchebm's time over XLA's with
100 and 1,000 chains: mixture 29 and 7.0, network 3.9 and 2.0; the loop by hand
over XLA's: 16 and 5.5, 2.6 and 1.8.
"""

import itertools
from collections.abc import Callable
from typing import Any

import measure
import numpy as np
import tensorflow as tf
from absl import app, flags

import samplers
from samplers import langevin, seeds

flags.adopt_module_key_flags(measure)
_CHAINS = flags.DEFINE_list("chains", ["100", "1000"], "Numbers of chains.")

STEP_SIZE = 1e-3
WIDTHS = (2, 128, 128, 1)
MODES, RADIUS, DEVIATION = 8, 1.0, 0.15


def centres() -> np.ndarray:
    """Of the modes, [8, 2]."""
    angle = 2 * np.pi * np.arange(MODES) / MODES
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    return (RADIUS * circle).astype(np.float32)


def weights() -> list[tuple[np.ndarray, np.ndarray]]:
    """A matrix and a bias for each layer of the network."""
    rng = np.random.default_rng(0)
    return [
        (
            (rng.normal(size=(a, b)) / np.sqrt(a)).astype(np.float32),
            (0.1 * rng.normal(size=b)).astype(np.float32),
        )
        for a, b in itertools.pairwise(WIDTHS)
    ]


def our_energies() -> dict[str, Callable[[Any], Any]]:
    """U(x: [chains, 2]) -> [chains], by name."""
    means, layers = tf.constant(centres()), weights()

    def mixture(x: tf.Tensor) -> tf.Tensor:
        squares = tf.reduce_sum((x[:, tf.newaxis] - means) ** 2, -1)
        return -tf.reduce_logsumexp(squares / (-2 * DEVIATION**2), 1)

    def network(x: tf.Tensor) -> tf.Tensor:
        for matrix, bias in layers[:-1]:
            x = tf.nn.silu(x @ matrix + bias)
        return (x @ layers[-1][0] + layers[-1][1])[:, 0]

    return {"mixture": mixture, "network": network}


def torch_energies(torch: Any) -> dict[str, Callable[[Any], Any]]:
    """The same in PyTorch."""
    means = torch.tensor(centres())
    layers = [[torch.tensor(x) for x in layer] for layer in weights()]

    def mixture(x: Any) -> Any:
        squares = ((x[:, None] - means) ** 2).sum(-1)
        return -torch.logsumexp(squares / (-2 * DEVIATION**2), 1)

    def network(x: Any) -> Any:
        for matrix, bias in layers[:-1]:
            x = torch.nn.functional.silu(torch.addmm(bias, x, matrix))
        return torch.addmm(layers[-1][1], x, layers[-1][0])[:, 0]

    return {"mixture": mixture, "network": network}


def ours(energy: Any, start: np.ndarray, jit: bool) -> measure.Work:
    """Steps of our kernel, each call from where the last one ended."""
    repeats = 2000
    kernel = langevin.langevin(energy, STEP_SIZE)
    state = kernel.init(start)
    done = 0

    def call() -> None:
        nonlocal state, done
        with seeds.xla(jit):
            state, _ = samplers.run(
                kernel,
                state,
                seed=seeds.seed(0),
                num_steps=repeats,
                first_step=done,
            )
        done += repeats
        state.position.numpy()

    return measure.Work(call, repeats)


def torch_loop(torch: Any, energy: Any, start: np.ndarray) -> measure.Work:
    """The loop by hand."""
    repeats = 200
    amplitude = (2 * STEP_SIZE) ** 0.5
    x = torch.tensor(start, requires_grad=True)

    def call() -> None:
        for _ in range(repeats):
            (gradient,) = torch.autograd.grad(energy(x).sum(), x)
            with torch.no_grad():
                x.add_(gradient, alpha=-STEP_SIZE)
                x.add_(torch.randn_like(x), alpha=amplitude)

    return measure.Work(call, repeats, torch=True)


def torchebm_steps(torch: Any, energy: Any, start: np.ndarray) -> measure.Work:
    """The sampler of torchebm."""
    from torchebm import (  # pyright: ignore[reportMissingImports]
        core,
        samplers,
    )

    class Energy(core.BaseModel):
        def forward(self, x: Any) -> Any:
            return energy(x)

    repeats = 200
    sampler = samplers.LangevinDynamics(
        Energy(device="cpu"), step_size=STEP_SIZE, device="cpu"
    )
    x = torch.tensor(start)

    def call() -> None:
        nonlocal x
        x = sampler.sample(x=x, n_steps=repeats)

    return measure.Work(call, repeats, torch=True)


def main(argv: list[str]) -> None:
    """Prints one table for each energy and number of chains."""
    del argv
    torch = measure.peer("torch")
    torchebm = torch and measure.peer("torchebm")
    theirs = torch_energies(torch) if torch else {}
    for name, energy in our_energies().items():
        for chains in map(int, _CHAINS.value):
            rng = np.random.default_rng(1)
            start = rng.normal(size=(chains, 2)).astype(np.float32)
            works = {
                "XLA": ours(energy, start, True),
                "graph": ours(energy, start, False),
            }
            if torch:
                np.testing.assert_allclose(
                    energy(tf.constant(start)).numpy(),
                    theirs[name](torch.tensor(start)).numpy(),
                    rtol=1e-4,
                    atol=1e-4,
                )
                works["PyTorch"] = torch_loop(torch, theirs[name], start)
            if torchebm:
                works["torchebm"] = torchebm_steps(torch, theirs[name], start)
            times = measure.rounds(works)
            measure.report(f"Langevin, {name}, {chains} chains", times)


if __name__ == "__main__":
    app.run(main)
