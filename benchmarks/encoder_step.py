"""What a Nose-Hoover step of an encoder costs, as ratios of the same run.

    python benchmarks/encoder_step.py [--batch_sizes=32,512] [--rounds=5]
                                      [--data_dir=DIR]

Network 784-512-256-64 and its mirror image, chain of 30 thermostats, the
decoder's gradients summed. Against the physical limit (the machine's
matrix-product rate, measured beside it); against peers: eager PyTorch's Adam
step of the same autoencoder, and torch.compile and jitted JAX on the same
dynamics; against itself: without a thermostat, with one for each weight, and
through train.py with MNIST (where its data are at hand). What bounds a step
beside the products: its gradients, which are summed in them, and its passes
over the weights, of which an "update" (w + a x) makes three: a step eight more
than its gradients, one with massive thermostats nineteen.

Measured (2 cores, medians of 5 rounds), batch 32 and 512: 0.45 and 0.76 of the
products' rate; 3.7 and 2.1 times as fast as PyTorch's Adam step, 2.1 and 1.8
times as torch.compile, 1.06 and 0.94 times as JAX, which uses the same
compiler; 1.00 and 0.99 of the time without a thermostat (velocity Verlet; 1.07
to 1.09 of that of leapfrog, which knows no velocity at the positions, so that
nobody could see its temperature; batch 32, three runs); one for each weight
takes 1.32 (1.23 to 1.34 in eight runs of it alone) and 1.04 times as long;
through train.py 1.10 times the bare loop. At batch 32 the gradients take 0.82
of the step, and are 4.3 times as fast as PyTorch's step; an update 0.11.
"""

import pathlib
import tempfile
import time
from typing import Any

import encoder_peers
import keras
import measure
import numpy as np
import tensorflow as tf
from absl import app, flags

import errors
import samplers
import train
import zoo
from configs import eae_mnist
from samplers import energies, particles, seeds
from zoo.entropic import energy as encoder_energy

flags.adopt_module_key_flags(measure)
_BATCHES = flags.DEFINE_list("batch_sizes", ["32", "512"], "Images a step.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of prepared TFDS sets; TFDS's own by default."
)


def _model(block: int, **options: Any) -> Any:
    return zoo.build(
        "entropic_autoencoder",
        data=zoo.DataSpec("image", (28, 28, 1)),
        latent_dim=encoder_peers.SIZES[-1],
        hidden_units=encoder_peers.SIZES[1:-1],
        encoder_steps=block,
        **options,
    )


def _images(block: int, batch: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.random((block, batch, 28, 28, 1), np.float32)


def steps(batch: int, block: int, jit: bool, **options: Any) -> measure.Work:
    """A block of encoder steps as training runs it, Adam's included."""
    model = _model(block, **options)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=jit)
    data = tf.data.Dataset.from_tensors(_images(block, batch)).repeat()
    iterator = iter(data)
    model.make_train_function()
    return measure.Work(
        lambda: float(model.train_function(iterator)["loss"]), block
    )


def _verlet(evaluator: energies.Evaluator) -> samplers.Kernel:
    """Newton's equations by velocity Verlet with h = 1 and unit masses."""

    def step(seed: Any, state: Any, batch: Any) -> Any:
        position, velocity, gradient = state
        half = particles.axpy(-0.5, gradient, velocity)
        position = particles.combine(tf.add, position, half)
        energy, gradient, aux = evaluator.fn(position, seed, batch)
        velocity = particles.axpy(-0.5, gradient, half)
        return (position, velocity, gradient), (energy, aux)

    return samplers.Kernel(lambda position: position, step)


def _leapfrog(evaluator: energies.Evaluator) -> samplers.Kernel:
    """Verlet's orbit in six passes, by velocities between the positions."""

    def step(seed: Any, state: Any, batch: Any) -> Any:
        position, velocity, gradient = state
        velocity = particles.once(particles.axpy(-1.0, gradient, velocity))
        position = particles.combine(tf.add, position, velocity)
        energy, gradient, aux = evaluator.fn(position, seed, batch)
        return (position, velocity, gradient), (energy, aux)

    return samplers.Kernel(lambda position: position, step)


def _still(evaluator: energies.Evaluator) -> samplers.Kernel:
    """The gradients alone: nothing moves."""

    def step(seed: Any, state: Any, batch: Any) -> Any:
        position, velocity, _ = state
        energy, gradient, aux = evaluator.fn(position, seed, batch)
        return (position, velocity, gradient), (energy, aux)

    return samplers.Kernel(lambda position: position, step)


def bare(kernel_of: Any, batch: int, block: int) -> measure.Work:
    """A kernel on (position, velocity, gradient) of the same model."""
    model = _model(block)
    evaluator = encoder_energy.gathering(
        model.encoder, model.decoder, encoder_energy.values(model.decoder)
    )
    position = encoder_energy.values(model.encoder)
    still = [tf.zeros_like(weight) for weight in position]
    images = tf.constant(_images(block, batch))
    observer = samplers.total(
        lambda _, info: info,
        initial=(tf.zeros([]), model.updates.gathered.read()),
    )

    def loop(state: Any) -> Any:
        return samplers.run(
            kernel_of(evaluator),
            state,
            seed=seeds.seed(0),
            num_steps=block,
            batches=images,
            observer=observer,
        )

    compiled = seeds.compiled(loop, True)
    state = (position, still, still)
    return measure.Work(lambda: float(compiled(state)[1][0]), block)


def update(block: int) -> measure.Work:
    """Adds a x to the encoder's weights w: two reads of each, one write."""
    weights = encoder_energy.values(_model(block).encoder)

    def loop(w: Any, x: Any) -> Any:
        def body(i: Any, w: Any) -> Any:
            return i + 1, particles.axpy(0.5, x, w)

        return tf.while_loop(lambda i, w: i < block, body, (0, w))[1]

    compiled = seeds.compiled(loop, True)
    return measure.Work(lambda: compiled(weights, weights)[0].numpy(), block)


def through_train(data_dir: str | None) -> float:
    """Seconds an encoder step of a run of train.py, without its start."""
    config: Any = eae_mnist.get_config().unlock()
    config.model.update({"members": 2, "member_interval": 1, "bank_size": 10})
    spent = []
    for updates in (10, 110):
        config.training.update({"steps": updates, "images_every": updates})
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            train.train(config, pathlib.Path(folder, "run"), data_dir=data_dir)
            spent.append(time.perf_counter() - start)
    return (spent[1] - spent[0]) / (100 * config.model.encoder_steps)


def _check_peers() -> None:
    """Raises unless the dynamics written for the peers are ours."""
    start = 1e-4 * np.random.default_rng(0).normal(size=100)
    kernel = samplers.nose_hoover.nose_hoover_chain(
        lambda x: 0.5 * tf.reduce_sum(x**2),
        1.0,
        encoder_peers.TEMPERATURE,
        chain_length=encoder_peers.CHAIN,
        chain_ndims=0,
    )
    x = tf.constant(start)
    state = kernel.init(x, velocity=tf.zeros_like(x))
    ours, _ = samplers.run(kernel, state, seed=seeds.seed(0), num_steps=200)
    theirs = encoder_peers.oscillators(start, 200)
    np.testing.assert_allclose(theirs, ours.position, rtol=1e-6, atol=1e-12)


def _report(batch: int, torch: Any, jax: Any) -> None:
    block = 100 if batch < 256 else 20
    works = {"products": measure.products()}
    works["ours"] = steps(batch, block, True, chain_length=30)
    works["ours, graph mode"] = steps(batch, block, False, chain_length=30)
    works["massive"] = steps(batch, block, True, thermostat="massive")
    works["no thermostat"] = bare(_verlet, batch, block)
    works["leapfrog"] = bare(_leapfrog, batch, block)
    works["gradients"] = bare(_still, batch, block)
    works["update"] = update(block)
    if torch is not None:
        adam = encoder_peers.torch_adam(torch, batch, block)
        works["PyTorch Adam"] = adam
        compiled = encoder_peers.torch_compiled(torch, batch, block)
        works["torch.compile"] = compiled
    if jax is not None:
        works["JAX"] = encoder_peers.jax_dynamics(jax, batch, block)
    title = f"encoder step, batch {batch}"
    flops = encoder_peers.flops(batch)
    measure.report(title, measure.rounds(works), flops)


def _report_training() -> None:
    bare = steps(32, 312, True, chain_length=30)
    bare.call()
    ratios, beside = [], measure.seconds(bare)
    for _ in range(measure.ROUNDS.value):
        own, before = through_train(_DATA_DIR.value), beside
        beside = measure.seconds(bare)
        ratios.append(own / (0.5 * (before + beside)))
    print(f"through train.py: {np.median(ratios):.2f} x the bare loop")


def main(argv: list[str]) -> None:
    """Prints one table a batch size, and what train.py adds."""
    del argv
    _check_peers()
    torch, jax = measure.peer("torch"), measure.peer("jax")
    for batch in map(int, _BATCHES.value):
        _report(batch, torch, jax)
    try:
        _report_training()
    except errors.InputError as error:
        print(f"through train.py: not measured ({error})")


if __name__ == "__main__":
    app.run(main)
