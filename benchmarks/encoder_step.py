"""What a Nose-Hoover step of an encoder costs, as ratios of the same run.

    python benchmarks/encoder_step.py [--batch_sizes=32,512] [--rounds=5]

Against the physical limit (the machine's matrix-product rate, measured beside
it) and against a peer: one eager PyTorch Adam step of the same autoencoder,
with 1 and 2 threads, the better one kept. Network 784-512-256-64 and its
mirror image, chain of 30 thermostats. Everything is measured in turn, round
after round; the ratios quoted are medians over rounds.
"""

import itertools
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

# A script's own folder is on the path, not the repository's root.
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import zoo

_BATCHES = flags.DEFINE_list("batch_sizes", ["32", "512"], "Images a step.")
_ROUNDS = flags.DEFINE_integer(
    "rounds", 5, "Rounds to take medians over.", lower_bound=1
)

SIZES = (784, 512, 256, 64)
SECONDS_A_MEASUREMENT = 1.0


def flops(batch: int) -> float:
    """Of the products in one step: forward, and back to every weight."""
    pairs = list(itertools.pairwise(SIZES))
    weights = 2 * sum(a * b for a, b in pairs)
    # The images need no gradient, so the first layer lacks one product.
    return batch * (6.0 * weights - 2.0 * pairs[0][0] * pairs[0][1])


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Of one unit of work, where a call does `repeats` units."""
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS_A_MEASUREMENT:
        work()
        calls += 1
    return (time.perf_counter() - start) / (calls * repeats)


def product(size: int = 1024, repeats: int = 20) -> Callable[[], object]:
    """Large float32 matrix products, the rate that bounds every step."""
    a = tf.ones([size, size])

    @tf.function
    def loop() -> tf.Tensor:
        return tf.while_loop(
            lambda i, x: i < repeats,
            lambda i, x: (i + 1, tf.matmul(a, x) * (1.0 / size)),
            (0, a),
        )[1]

    return lambda: loop().numpy()


def encoder_steps(batch: int, block: int, jit: bool) -> Callable[[], object]:
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
    return lambda: float(train(iterator)["loss"])


def torch_steps(batch: int, repeats: int) -> Callable[[], object] | None:
    """Eager PyTorch: one Adam step of the same autoencoder, or None."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        return None
    sizes = [*SIZES, *SIZES[-2::-1]]
    layers: list[torch.nn.Module] = []
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

    return work


def torch_seconds(work: Callable[[], object], repeats: int) -> float:
    import torch  # pyright: ignore[reportMissingImports]

    times = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        times.append(seconds(work, repeats))
    return min(times)


def main(argv: list[str]) -> None:
    """Prints one table a batch size."""
    del argv
    limit = product()
    limit()
    for batch in map(int, _BATCHES.value):
        block = 100 if batch < 256 else 20
        ours = {
            "graph": encoder_steps(batch, block, False),
            "XLA": encoder_steps(batch, block, True),
        }
        peer = torch_steps(batch, 20)
        for work in ours.values():
            work()
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in ours}
        for _ in range(_ROUNDS.value):
            rate = 2 * 1024**3 / seconds(limit, 20)
            floor = flops(batch) / rate
            other = torch_seconds(peer, 20) if peer else float("nan")
            for name, work in ours.items():
                own = seconds(work, block)
                rows[name].append((floor / own, other / own))
                print(
                    f"  batch {batch} {name:5}: {own * 1e3:6.3f} ms a step, "
                    f"floor {floor * 1e3:6.3f} ms, "
                    f"PyTorch {other * 1e3:6.3f} ms",
                    flush=True,
                )
        for name, ratios in rows.items():
            part, gain = map(statistics.median, zip(*ratios, strict=True))
            print(
                f"batch {batch} {name}: {part:.2f} of the matrix-product "
                f"rate, {gain:.1f} x a PyTorch Adam step"
            )
        if peer is None:
            print("PyTorch is not installed: no peer was measured")


if __name__ == "__main__":
    app.run(main)
