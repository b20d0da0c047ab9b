"""What a Nose-Hoover step of an encoder costs, as ratios of the same run.

    python benchmarks/encoder_step.py [--batch_sizes=32,512] [--rounds=5]

Against the physical limit (the machine's matrix-product rate, measured beside
it) and against a peer: one eager PyTorch Adam step of the same autoencoder,
with 1 and 2 threads, the better one kept. Network 784-512-256-64 and its
mirror image, chain of 30 thermostats. Everything is measured in turn, round
after round; the ratios quoted are medians over rounds.
"""

import itertools
from typing import Any

import keras
import measure
import numpy as np
import tensorflow as tf
from absl import app, flags

import zoo

flags.adopt_module_key_flags(measure)
_BATCHES = flags.DEFINE_list("batch_sizes", ["32", "512"], "Images a step.")

SIZES = (784, 512, 256, 64)


def flops(batch: int) -> float:
    """Of the products in one step: forward, and back to every weight."""
    pairs = list(itertools.pairwise(SIZES))
    weights = 2 * sum(a * b for a, b in pairs)
    # The images need no gradient, so the first layer lacks one product.
    return batch * (6.0 * weights - 2.0 * pairs[0][0] * pairs[0][1])


def encoder_steps(batch: int, block: int, jit: bool) -> measure.Work:
    """A block of encoder steps, with the decoder's gradients gathered."""
    model = zoo.build(
        "entropic_autoencoder",
        image_shape=(28, 28, 1),
        latent_dim=SIZES[-1],
        hidden_units=SIZES[1:-1],
        encoder_steps=block,
        chain_length=30,
    )
    # Keras's stub lacks the booleans.
    model.compile(
        keras.optimizers.Adam(1e-3),
        jit_compile=jit,  # pyright: ignore[reportArgumentType]
    )
    rng = np.random.default_rng(0)
    images = rng.random((block, batch, 28, 28, 1), np.float32)
    data = tf.data.Dataset.from_tensors(images).repeat()
    iterator = iter(data)
    model.make_train_function()
    train: Any = model.train_function
    return measure.Work(lambda: float(train(iterator)["loss"]), block)


def torch_steps(torch: Any, batch: int, repeats: int) -> measure.Work:
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


def main(argv: list[str]) -> None:
    """Prints one table a batch size."""
    del argv
    torch = measure.peer("torch")
    for batch in map(int, _BATCHES.value):
        block = 100 if batch < 256 else 20
        works = {"products": measure.products()}
        if torch is not None:
            works["PyTorch"] = torch_steps(torch, batch, 20)
        for name, jit in (("graph", False), ("XLA", True)):
            works[name] = encoder_steps(batch, block, jit)
        title = f"encoder step, batch {batch}"
        measure.report(title, measure.rounds(works), flops(batch))


if __name__ == "__main__":
    app.run(main)
