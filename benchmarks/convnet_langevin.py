"""What a Langevin step of a ConvNet energy costs, beside the limit and PyTorch.

    python benchmarks/convnet_langevin.py [--rounds=5]

The vanilla network of Hill 2020: a 3x3 convolution to 32 channels, three of
4x4 with stride 2 to 64, 128 and 256, and a last one over the whole 4x4 map,
which is the dense layer it is written as in both libraries; LeakyReLU of slope
0.05. 100 chains of 32x32x3 images. Ours in graph mode, for convolutions are
slow under XLA on a CPU: of our layers, all chains in one batch and in two
halves that run side by side; of Keras's plain layers, two halves. The peer is
the same loop in eager PyTorch, with the axes of the images in either order.
The limit is the rate of large matrix products.

Measured (2 cores, four runs of 5 rounds): our layers at 0.81 to 0.84 of the
limit in halves and 0.77 to 0.81 in one batch, Keras's at 0.74 to 0.76; without
the smaller number of products of the last convolution, 0.76 and 0.73. 1.5 to
1.9 times as fast as the better PyTorch. The last convolution is counted as if
it took all its products.
"""

from typing import Any

import keras
import measure
import numpy as np
import tensorflow as tf
from absl import app, flags

import samplers
from layers import energy_convolution
from samplers import langevin, seeds

flags.adopt_module_key_flags(measure)

CHAINS, SIDE, COLOURS = 100, 32, 3
STEP_SIZE = 5e-5
SLOPE = 0.05
# (kernel, stride, channels) of each convolution.
CONVOLUTIONS = ((3, 1, 32), (4, 2, 64), (4, 2, 128), (4, 2, 256))


def flops() -> float:
    """Of the products in one step: the energy, and back to the images."""
    total, side, channels = 0.0, SIDE, COLOURS
    for kernel, stride, out in CONVOLUTIONS:
        side //= stride
        # A product and a sum, forward and back.
        total += 2 * 2.0 * side**2 * kernel**2 * channels * out
        channels = out
    return CHAINS * (total + 2 * 2.0 * side**2 * channels)


def network(plain: bool) -> keras.Model:
    """Images to energies [chains, 1], of Keras's plain layers or of ours."""
    x = image = keras.Input((SIDE, SIDE, COLOURS))
    for kernel, stride, out in CONVOLUTIONS:
        shape = (out, kernel, stride, "same")
        if plain:
            x = keras.layers.Conv2D(*shape)(x)
            x = keras.layers.LeakyReLU(SLOPE)(x)
        else:
            x = energy_convolution.Conv2D(*shape, negative_slope=SLOPE)(x)
    x = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    return keras.Model(image, x)


def ours(net: keras.Model, start: np.ndarray, parts: int) -> measure.Work:
    """Steps of our kernel, each call from where the last one ended."""
    repeats = 10

    def energy(x: tf.Tensor) -> tf.Tensor:
        # Of two parts that do not wait for each other, one computes while the
        # other passes over memory.
        return tf.concat([net(part)[:, 0] for part in tf.split(x, parts)], 0)

    kernel = langevin.langevin(energy, STEP_SIZE)
    state = kernel.init(start)
    done = 0

    def call() -> None:
        nonlocal state, done
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


def torch_network(torch: Any, net: keras.Model) -> Any:
    """The same network with the same weights, in PyTorch."""
    layers: list[Any] = []
    channels = COLOURS
    variables = iter(net.get_weights())
    for kernel, stride, out in CONVOLUTIONS:
        pad = (kernel - 1) // 2
        conv = torch.nn.Conv2d(channels, out, kernel, stride, pad)
        conv.weight.data = torch.tensor(next(variables).transpose(3, 2, 0, 1))
        conv.bias.data = torch.tensor(next(variables))
        layers += [conv, torch.nn.LeakyReLU(SLOPE)]
        channels = out
    matrix = next(variables)
    dense = torch.nn.Linear(len(matrix), 1)
    # Its images are flattened channels first.
    shaped = matrix.reshape(-1, channels).T.reshape(1, -1)
    dense.weight.data = torch.tensor(shaped)
    dense.bias.data = torch.tensor(next(variables))
    layers += [torch.nn.Flatten(), dense]
    return torch.nn.Sequential(*layers).requires_grad_(False)


def torch_loop(
    torch: Any, net: Any, start: np.ndarray, channels_last: bool
) -> measure.Work:
    """The loop by hand."""
    repeats = 10
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = net.to(memory_format=layout)
    x = torch.tensor(start.transpose(0, 3, 1, 2))
    x = x.contiguous(memory_format=layout).requires_grad_(True)

    def call() -> None:
        for _ in range(repeats):
            (gradient,) = torch.autograd.grad(net(x).sum(), x)
            with torch.no_grad():
                x.add_(gradient, alpha=-STEP_SIZE)
                x.add_(torch.randn_like(x), alpha=(2 * STEP_SIZE) ** 0.5)

    return measure.Work(call, repeats, torch=True)


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    torch = measure.peer("torch")
    keras.utils.set_random_seed(0)
    net, plain = network(False), network(True)
    plain.set_weights(net.get_weights())
    rng = np.random.default_rng(1)
    start = rng.uniform(-1, 1, (CHAINS, SIDE, SIDE, COLOURS))
    start = start.astype(np.float32)
    works = {
        "products": measure.products(),
        "graph": ours(net, start, 1),
        "halves": ours(net, start, 2),
        "plain": ours(plain, start, 2),
    }
    if torch:
        for name, last in (("PyTorch", False), ("NHWC", True)):
            theirs = torch_network(torch, net)
            images = torch.tensor(start.transpose(0, 3, 1, 2))
            np.testing.assert_allclose(
                net(start), theirs(images).numpy(), atol=1e-4
            )
            works[name] = torch_loop(torch, theirs, start, last)
    measure.report(
        f"Langevin, ConvNet, {CHAINS} chains", measure.rounds(works), flops()
    )


if __name__ == "__main__":
    app.run(main)
