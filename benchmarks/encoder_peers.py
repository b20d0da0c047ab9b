"""The encoder step of the entropic autoencoder, written for the peers.

Eager PyTorch takes Adam steps of the same autoencoder; torch.compile and
jitted JAX run our dynamics: velocity Verlet, a chain of thermostats swept in
two halves (red and black), the decoder's gradients summed over the steps.
"""

import itertools
from typing import Any

import measure
import numpy as np

SIZES = (784, 512, 256, 64)
CHAIN = 30
_STEP, _TAU, TEMPERATURE = 1.0, 20.0, 3e-9


def flops(batch: int) -> float:
    """Of the products in one step: forward, and back to every weight."""
    pairs = list(itertools.pairwise(SIZES))
    weights = 2 * sum(a * b for a, b in pairs)
    # The images need no gradient, so the first layer lacks one product.
    return batch * (6.0 * weights - 2.0 * pairs[0][0] * pairs[0][1])


def _weights(sizes: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    weights = []
    for a, b in itertools.pairwise(sizes):
        weights.append(rng.normal(0, a**-0.5, (a, b)).astype(np.float32))
        weights.append(np.zeros(b, np.float32))
    return weights


def _images(block: int, batch: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.random((block, batch, SIZES[0]), np.float32)


def torch_adam(torch: Any, batch: int, repeats: int) -> measure.Work:
    """Eager PyTorch: Adam steps of the same autoencoder."""
    sizes = [*SIZES, *SIZES[-2::-1]]
    layers: list[Any] = []
    for a, b in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    layers[-1] = torch.nn.Sigmoid()
    del layers[2 * len(SIZES) - 3]  # The code is linear.
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    images = torch.rand(batch, SIZES[0])

    def work() -> None:
        for _ in range(repeats):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(network(images), images).backward()
            optimizer.step()

    return measure.Work(work, repeats, torch=True)


def _network(relu: Any, weights: Any, x: Any) -> Any:
    for i in range(0, len(weights), 2):
        x = x @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            x = relu(x)
    return x


def _sweep(ops: Any, eta: Any, heat: Any, particles: int) -> tuple[Any, Any]:
    """Half a step of the thermostats: v_2, v_4, ..., then v_1, v_3, ...

    `ops` is jax.numpy or torch; eta is (velocities of odd index, of even).
    """
    odd, even = eta
    mass = particles * TEMPERATURE * _TAU**2
    d = 0.5 * _STEP
    zero = 0.0 * odd[:1]

    def kicked(v: Any, force: Any, friction: Any, time: float) -> Any:
        decay = ops.exp(-0.5 * time * friction)
        return decay * (decay * v + time * force / mass)

    def moved_even(odd: Any, even: Any, log_scale: Any) -> tuple[Any, Any]:
        force = mass * odd * odd - TEMPERATURE
        friction = ops.concatenate([odd[1:], zero])
        log_scale = log_scale - 0.5 * d * odd[0]
        return kicked(even, force, friction, 0.5 * d), log_scale

    even, log_scale = moved_even(odd, even, 0.0)
    excess = heat * ops.exp(2.0 * log_scale) - particles * TEMPERATURE
    inner = mass * even[:-1] * even[:-1] - TEMPERATURE
    force = ops.concatenate([excess[None], inner])
    odd = kicked(odd, force, even, d)
    even, log_scale = moved_even(odd, even, log_scale)
    return (odd, even), ops.exp(log_scale)


def _dynamics(ops: Any, value_and_gradients: Any, count: int) -> Any:
    """One step of (w, v, gradient, heat, eta, summed), given a batch."""
    kick = -0.5 * _STEP

    def step(state: Any, batch: Any) -> Any:
        w, v, g, heat, eta, summed = state
        eta, scale = _sweep(ops, eta, heat, count)
        v = [scale * a + kick * b for a, b in zip(v, g, strict=True)]
        w = [a + _STEP * b for a, b in zip(w, v, strict=True)]
        g, decoder = value_and_gradients(w, batch)
        v = [a + kick * b for a, b in zip(v, g, strict=True)]
        heat = sum((a * a).sum() for a in v)
        eta, scale = _sweep(ops, eta, heat, count)
        v = [scale * a for a in v]
        summed = [a + b for a, b in zip(summed, decoder, strict=True)]
        return w, v, g, heat * scale * scale, eta, summed

    return step


def oscillators(start: np.ndarray, steps: int) -> np.ndarray:
    """Where the peers' dynamics take oscillators that start at rest."""
    step = _dynamics(np, lambda w, _: (w, []), start.size)
    half = np.zeros(CHAIN // 2)
    state = [start], [0.0 * start], [start], np.zeros(()), (half, half), []
    for _ in range(steps):
        state = step(state, None)
    return state[0][0]


def _start(array: Any) -> tuple[Any, Any, int]:
    encoder = [array(w) for w in _weights(SIZES)]
    decoder = [array(w) for w in _weights(SIZES[::-1])]
    zeros = [0.0 * w for w in encoder]
    half = array(np.zeros(CHAIN // 2, np.float32))
    heat = array(np.float32(0.0))
    count = sum(w.size for w in _weights(SIZES))
    summed = [0.0 * w for w in decoder]
    return (encoder, zeros, zeros, heat, (half, half), summed), decoder, count


def jax_dynamics(jax: Any, batch: int, block: int) -> measure.Work:
    """Jitted JAX: a scan over the batches of a block."""
    state, decoder, count = _start(jax.numpy.asarray)
    images = jax.numpy.asarray(_images(block, batch))

    def energy(w: Any, decoder: Any, x: Any) -> Any:
        z = _network(jax.nn.relu, w, x)
        image = jax.nn.sigmoid(_network(jax.nn.relu, decoder, z))
        return jax.numpy.mean((image - x) ** 2)

    gradients = jax.grad(energy, argnums=(0, 1))
    step = _dynamics(jax.numpy, lambda w, x: gradients(w, decoder, x), count)

    @jax.jit
    def loop(state: Any, images: Any) -> Any:
        return jax.lax.scan(lambda s, x: (step(s, x), None), state, images)[0]

    return measure.Work(
        lambda: jax.block_until_ready(loop(state, images)), block
    )


def torch_compiled(torch: Any, batch: int, repeats: int) -> measure.Work:
    """PyTorch: one compiled function a step."""
    state, decoder, count = _start(torch.as_tensor)
    images = torch.as_tensor(_images(1, batch))[0]

    def gradients(w: Any, x: Any) -> Any:
        def energy(w: Any, decoder: Any) -> Any:
            z = _network(torch.relu, w, x)
            image = torch.sigmoid(_network(torch.relu, decoder, z))
            return ((image - x) ** 2).mean()

        return torch.func.grad(energy, argnums=(0, 1))(w, decoder)

    step = torch.compile(_dynamics(torch, gradients, count))

    def work() -> None:
        now = state
        with torch.no_grad():
            for _ in range(repeats):
                now = step(now, images)

    return measure.Work(work, repeats, torch=True)
