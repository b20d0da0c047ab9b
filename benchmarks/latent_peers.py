"""A training step of the latent energy prior, written for the peers.

Jitted JAX and eager PyTorch run our step: a chain on the prior, one on the
posterior or at every temperature of a ladder, one after the other, and Adam on
both networks. Like ours they evaluate no generator at t = 0 but for the
likelihoods of the codes that are kept.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import measure
import numpy as np

_SLOPE, _RATES, _BETA = 0.2, (2e-5, 1e-4), 0.5


class Task(NamedTuple):
    """What a step needs to know.

    Attributes:
      energy_net: weights of E, matrix and bias in turn.
      generator: of the generator: the dense layer's, then each kernel
        [4, 4, out, in] and its bias.
      shape: of the generator's first map, (height, width, channels).
      images: [B, H, W, C], in [-1, 1].
      settings: the model, for its arguments.
      ladder: inverse temperatures, or () for maximum likelihood.
    """

    energy_net: Sequence[np.ndarray]
    generator: Sequence[np.ndarray]
    shape: tuple
    images: np.ndarray
    settings: Any
    ladder: Sequence[float]


class Peer(NamedTuple):
    """What is timed.

    Attributes:
      generate: codes [B, latent] to images [B, H, W, C], to compare.
      posterior: runs one chain on the posterior.
      step: a whole training step.
    """

    generate: Callable[[np.ndarray], np.ndarray]
    posterior: Callable[[], object]
    step: Callable[[], object]


def in_torch(torch: Any, task: Task, channels_last: bool) -> Peer:
    """Eager PyTorch, which can store maps and kernels in either order."""
    order = torch.channels_last if channels_last else torch.contiguous_format

    def stored(x: Any) -> Any:
        return x.contiguous(memory_format=order)

    functional, own = torch.nn.functional, task.settings
    energy_net = [torch.tensor(w).requires_grad_() for w in task.energy_net]
    weights = [torch.tensor(w) for w in task.generator[:2]]
    for kernel, bias in _pairs(task.generator[2:]):
        weights += [stored(torch.tensor(kernel.transpose(3, 2, 0, 1).copy()))]
        weights += [torch.tensor(bias)]
    weights = [w.requires_grad_() for w in weights]
    images = stored(torch.tensor(task.images.transpose(0, 3, 1, 2).copy()))
    batch, (height, width, depth) = len(images), task.shape
    optimizers = [
        torch.optim.Adam(part, rate, (_BETA, 0.999))
        for part, rate in zip((energy_net, weights), _RATES, strict=True)
    ]

    def energy(z: Any) -> Any:
        tail = zip(energy_net[2::2], energy_net[3::2], strict=True)
        x = z @ energy_net[0] + energy_net[1]
        for matrix, bias in tail:
            x = functional.leaky_relu(x, own.energy_slope) @ matrix + bias
        return x[:, 0]

    def generate(z: Any) -> Any:
        x = z @ weights[0] + weights[1]
        x = stored(x.view(-1, height, width, depth).permute(0, 3, 1, 2))
        for kernel, bias in _pairs(weights[2:]):
            x = functional.leaky_relu(x, _SLOPE)
            x = functional.conv_transpose2d(x, kernel, bias, 2, 1)
        return torch.tanh(x)

    def prior(z: Any) -> Any:
        return energy(z) + 0.5 * (z * z).sum(1) / own.prior_sigma**2

    def likelihood(z: Any) -> Any:
        error = (images - generate(z)) ** 2
        return -0.5 * error.sum((1, 2, 3)) / own.sigma**2

    def chain(z: Any, steps: int, h: float, t: float, keep: int = 0) -> Any:
        kept = []
        for index in range(steps):
            z = z.detach().requires_grad_()
            total = prior(z).sum()
            if t > 0.0:
                found = likelihood(z)
                total = total - t * found.sum()
                if index > steps - keep:
                    kept.append(found.detach())
            (gradient,) = torch.autograd.grad(total, z)
            with torch.no_grad():
                z = z - h * gradient + (2 * h) ** 0.5 * torch.randn_like(z)
                if t == 0.0 and steps - keep <= index < steps - 1:
                    kept.append(likelihood(z))
        if keep:
            with torch.no_grad():
                kept.append(likelihood(z))
        return z.detach(), kept

    def posterior() -> Any:
        start = torch.randn(batch, own.latent_dim)
        steps, h = own.posterior_steps, own.posterior_step_size
        return chain(start, steps, h, 1.0)[0]

    def step() -> float:
        start = torch.randn(batch, own.latent_dim)
        first, _ = chain(start, own.prior_steps, own.prior_step_size, 0.0)
        means, spreads, z = [], [], first
        for t in task.ladder:
            steps, h = own.posterior_steps, own.posterior_step_size
            z, kept = chain(z, steps, h, t, own.draws)
            values = torch.stack(kept)
            means.append(values.mean(0))
            spreads.append(values.var(0))
        z = z if task.ladder else posterior()
        for optimizer in optimizers:
            optimizer.zero_grad()
        (energy(z).mean() - energy(first).mean()).backward()
        loss = -likelihood(z).mean()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        if task.ladder:
            return float(-_integral(task.ladder, means, spreads).mean())
        return loss.item()

    def generated(codes: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return generate(torch.tensor(codes)).numpy().transpose(0, 2, 3, 1)

    return Peer(generated, posterior, step)


def faster_in_torch(torch: Any, given: Task) -> Peer:
    """In the order of channels in which a posterior chain is faster."""
    found, times = {}, {}
    for order in ("channels first", "channels last"):
        peer = in_torch(torch, given, order == "channels last")
        found[order] = peer
        times[order] = measure.seconds(measure.Work(peer.posterior, torch=True))
    best = min(times, key=times.__getitem__)
    all_times = ", ".join(f"{key} {value:.3f}" for key, value in times.items())
    print(f"PyTorch's posterior chain, s: {all_times}; taken: {best}")
    return found[best]


def in_jax(jax: Any, task: Task) -> Peer:
    """Jitted JAX: a scan over the steps in a scan over the temperatures."""
    jnp, own, images = jax.numpy, task.settings, jax.numpy.asarray(task.images)
    batch = len(images)
    weights = (
        [*map(jnp.asarray, task.energy_net)],
        [*map(jnp.asarray, task.generator)],
    )

    def energy(energy_net: Any, z: Any) -> Any:
        x = z @ energy_net[0] + energy_net[1]
        for matrix, bias in _pairs(energy_net[2:]):
            x = jax.nn.leaky_relu(x, own.energy_slope) @ matrix + bias
        return x[:, 0]

    def generate(generator: Any, z: Any) -> Any:
        x = z @ generator[0] + generator[1]
        x = x.reshape(-1, *task.shape)
        for kernel, bias in _pairs(generator[2:]):
            x = jax.nn.leaky_relu(x, _SLOPE)
            x = jax.lax.conv_transpose(
                x,
                kernel,
                (2, 2),
                "SAME",
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                transpose_kernel=True,
            )
            x = x + bias
        return jnp.tanh(x)

    def prior(weights: Any, z: Any) -> Any:
        square = (z * z).sum(1)
        return energy(weights[0], z) + 0.5 * square / own.prior_sigma**2

    def likelihood(weights: Any, z: Any) -> Any:
        error = (images - generate(weights[1], z)) ** 2
        return -0.5 * error.sum((1, 2, 3)) / own.sigma**2

    def chain(
        fn: Any, z: Any, key: Any, steps: int, h: float
    ) -> tuple[Any, Any]:
        """Where it ends, and what `fn` said beside the energy at each start."""

        def move(z: Any, key: Any) -> tuple[Any, Any]:
            gradient, said = jax.grad(fn, has_aux=True)(z)
            noise = jax.random.normal(key, z.shape)
            return z - h * gradient + (2 * h) ** 0.5 * noise, (z, said)

        return jax.lax.scan(move, z, jax.random.split(key, steps))

    def tempered(weights: Any, t: Any) -> Any:
        def total(z: Any) -> tuple[Any, Any]:
            found = likelihood(weights, z)
            return (prior(weights, z) - t * found).sum(), found

        return total

    def on_prior(weights: Any) -> Any:
        return lambda z: (prior(weights, z).sum(), ())

    def start(key: Any) -> Any:
        return jax.random.normal(key, (batch, own.latent_dim))

    def at_posterior(weights: Any, key: Any) -> Any:
        steps, h = own.posterior_steps, own.posterior_step_size
        keys = jax.random.split(key)
        return chain(tempered(weights, 1.0), start(keys[0]), keys[1], steps, h)[
            0
        ]

    def ladder(weights: Any, z: Any, key: Any) -> tuple[Any, Any]:
        steps, h = own.posterior_steps, own.posterior_step_size
        keys = jax.random.split(key, len(task.ladder))
        z, (visited, _) = chain(on_prior(weights), z, keys[0], steps, h)
        kept = [*visited[steps - own.draws + 1 :], z]
        values = jnp.stack([likelihood(weights, code) for code in kept])

        def rung(z: Any, given: Any) -> Any:
            t, key = given
            z, (_, found) = chain(tempered(weights, t), z, key, steps, h)
            last = likelihood(weights, z)[None]
            return z, jnp.concatenate([found[steps - own.draws + 1 :], last])

        z, rest = jax.lax.scan(
            rung, z, (jnp.asarray(task.ladder[1:], jnp.float32), keys[1:])
        )
        values = jnp.concatenate([values[None], rest])
        means, spreads = values.mean(1), values.var(1, ddof=1)
        return z, -_integral(task.ladder, means, spreads).mean()

    def step(weights: Any, moments: Any, key: Any) -> Any:
        keys = jax.random.split(key, 3)
        first, _ = chain(
            on_prior(weights),
            start(keys[0]),
            keys[1],
            own.prior_steps,
            own.prior_step_size,
        )
        z, evidence = at_posterior(weights, keys[2]), None
        if task.ladder:
            z, evidence = ladder(weights, first, keys[2])

        def loss(weights: Any) -> tuple[Any, Any]:
            gap = (
                energy(weights[0], z).mean() - energy(weights[0], first).mean()
            )
            error = -likelihood(weights, z).mean()
            return gap + error, error

        gradients, error = jax.grad(loss, has_aux=True)(weights)
        weights, moments = _adam(jax, weights, gradients, moments)
        return weights, moments, error if evidence is None else evidence

    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = [weights, (zeros, zeros, jnp.float32(0.0)), jax.random.key(0)]
    jitted, chained = jax.jit(step), jax.jit(at_posterior)

    def stepped() -> float:
        state[2], key = jax.random.split(state[2])
        state[0], state[1], loss = jitted(state[0], state[1], key)
        jax.block_until_ready(state[:2])
        return float(loss)

    return Peer(
        lambda codes: np.asarray(generate(weights[1], codes)),
        lambda: jax.block_until_ready(chained(weights, state[2])),
        stepped,
    )


def _adam(jax: Any, weights: Any, gradients: Any, moments: Any) -> Any:
    first, second, count = moments
    count = count + 1.0
    mixed = jax.tree.map
    first = mixed(lambda m, g: _BETA * m + (1 - _BETA) * g, first, gradients)
    second = mixed(lambda v, g: 0.999 * v + 1e-3 * g * g, second, gradients)
    scale = (1 - 0.999**count) ** 0.5 / (1 - _BETA**count)
    parts = [
        mixed(
            lambda w, m, v, r=rate: w - r * scale * m / (v**0.5 + 1e-8), *part
        )
        for rate, *part in zip(_RATES, weights, first, second, strict=True)
    ]
    return tuple(parts), (first, second, count)


def _integral(ladder: Sequence[float], means: Any, spreads: Any) -> Any:
    """The trapezoid, corrected by the variances (Friel 2014)."""
    total = 0.0
    for i in range(1, len(ladder)):
        gap = ladder[i] - ladder[i - 1]
        total += 0.5 * gap * (means[i] + means[i - 1])
        total -= gap**2 / 12.0 * (spreads[i] - spreads[i - 1])
    return total


def _pairs(weights: Sequence[Any]) -> zip:
    return zip(weights[::2], weights[1::2], strict=True)
