"""A training step of the latent energy prior, beside the limit and peers.

    python benchmarks/latent_step.py [--parts=mle,ti] [--peers=PyTorch]
                                     [--rounds=5]

Sizes of configs/lebm_mnist.py and configs/lebm_celeba.py, batch 75: chains of
60 steps on the prior and of 20 on the posterior or at each of 10 temperatures,
both gradients, both optimizers. At the CelebA size a whole TI step takes a
minute, so what is timed there are its units: a posterior chain of 2 steps, and
steps at 2 and 4 temperatures; whole steps must be asked for
(--parts=celeba_mle,celeba_ti) and take the peers minutes. PyTorch runs in the
order of channels in which its posterior chain is faster. By TI the generator of
all learns from t = 1 alone; beside it stands our step as `:ti` has it, whose
generator learns from all temperatures. JAX's convolutions are those of its
library, ours and PyTorch's what each has fastest.

Measured (2 cores, beside other work; 5 rounds, 2 of JAX's TI step):
- The convolutions of the generator with their gradients: 0.94 of the limit at
  the MNIST size, 0.98 at the CelebA size. Those to the image's 1 or 3 colours
  have 0.16 and 0.53 of it, and take a twelfth and a twenty-fifth of the time.
- A step at the MNIST size by maximum likelihood: 0.82 of the limit; PyTorch
  takes 1.14 times as long, jitted JAX 7.2 times. By TI: 0.87, 1.4 and, before
  our last savings, 6.2.
- A posterior chain at the CelebA size: 0.94, 1.4 and 8.7.
- A step by maximum likelihood at the CelebA size, one round with each: 0.90 and
  0.94; PyTorch takes 1.37 times as long, JAX 12.7 times. By TI at 10
  temperatures, one call: 0.94, and 0.93 of 10 posterior chains (0.94 as `:ti`).
  Before our last savings, at 0.88, PyTorch took 1.39 times as long (JAX not
  run: 9 steps by maximum likelihood).
- A TI step of 10 temperatures x 20 steps at the MNIST size: 0.93 to 0.96 of 10
  posterior chains, and 0.94 to 0.97 with the generator from all temperatures;
  by count 0.94 either way. Shorter chains cost more than their share, since a
  step draws up to 5 likelihoods at t = 0 and learns: 3 x 6, 3 x 12 and 6 x 6
  take 0.9, 0.8 and 1.0 of N_t chains; at the CelebA size 2 x 2, 2 x 4 and 4 x 2
  take 1.3, 1.0 and 1.3, by count 1.25, 1.0 and 1.25.
- Peak memory from 5 to 20 steps: +0 MiB (mle), +0 MiB (ti); with the gradient
  through the chains, the control, +953 MiB.
"""

import functools
import importlib
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import keras
import latent_peers
import measure
import numpy as np
import tensorflow as tf
from absl import app, flags

import zoo
from samplers import seeds

flags.adopt_module_key_flags(measure)
_PARTS = flags.DEFINE_list(
    "parts",
    ["layers", "mle", "ti", "celeba", "growth", "celeba_growth", "memory"],
    "What to measure.",
)
_PEERS = flags.DEFINE_list("peers", ["PyTorch", "JAX"], "Beside whom.")
_PEAK = flags.DEFINE_list(
    "peak", None, "Say the peak memory of a step of STEPS,ESTIMATOR,GRADIENT."
)

BATCH = 75
SHAPES = {"mnist": (28, 28, 1), "celeba": (64, 64, 3)}


def model(data: str, estimator: str = "mle", **changes: Any) -> Any:
    """The model of a config, compiled."""
    config = importlib.import_module(f"configs.lebm_{data}").get_config()
    settings = {**config.model.to_dict(), "estimator": estimator, **changes}
    spec = zoo.DataSpec("image", SHAPES[data])
    built: Any = zoo.build(settings.pop("name"), data=spec, **settings)
    built.compile(keras.optimizers.Adam(1e-4, beta_1=0.5))
    return built


def images(shape: tuple) -> np.ndarray:
    """In [0, 1], of noise: the time does not depend on what they show."""
    return np.random.default_rng(0).random((BATCH, *shape), np.float32)


def step(built: Any) -> Callable[[], float]:
    """A step as training runs it."""
    data = tf.data.Dataset.from_tensors(images(built.data.shape)).repeat()
    iterator = iter(data)
    built.make_train_function()
    return lambda: float(built.train_function(iterator)["loss"])


def posterior(built: Any) -> Callable[[], object]:
    """A chain on the posterior alone."""
    x = tf.constant(2.0 * images(built.data.shape) - 1.0)
    chain = seeds.compiled(built.codes.posterior, False)
    return lambda: chain(x, seeds.seed(0)).numpy()


def task(built: Any) -> latent_peers.Task:
    """The same step for a peer."""
    ladder = ()
    if built.estimator == "ti":
        ladder = tuple(map(float, built.integral.tempering.ladder))
    return latent_peers.Task(
        built.energy_net.get_weights(),
        built.decoder.get_weights(),
        built.decoder.layers[1].output.shape[1:],
        2.0 * images(built.data.shape) - 1.0,
        built,
        ladder,
    )


def peers(built: Any) -> dict[str, tuple[latent_peers.Peer, bool]]:
    """Those installed, and whether they are timed by threads."""
    codes = np.random.default_rng(1).normal(size=(BATCH, built.latent_dim))
    codes = codes.astype(np.float32)
    found = {}
    for name, module, make in (
        ("PyTorch", "torch", latent_peers.faster_in_torch),
        ("JAX", "jax", latent_peers.in_jax),
    ):
        library = measure.peer(module) if name in _PEERS.value else None
        if library is None:
            continue
        peer = make(library, task(built))
        np.testing.assert_allclose(
            built.density.generator(codes), peer.generate(codes), atol=1e-3
        )
        found[name] = peer, name == "PyTorch"
    return found


def forward(built: Any) -> float:
    """Floating-point operations from a batch of codes to images."""
    total = 0.0
    for layer in built.decoder.layers:
        if layer.weights:
            sides = layer.input.shape[1:-1]
            total += 2.0 * np.prod([*sides, *layer.kernel.shape])
    return BATCH * total


def flops(built: Any) -> tuple[float, float]:
    """Of the products in a posterior chain and in a whole step, by need.

    An evaluation goes forward and back to the codes, a step takes one. The
    energy of the codes is left out: it is below a hundredth.
    """
    unit = forward(built)
    chain = 2.0 * built.posterior_steps * unit
    if built.estimator == "mle":
        return chain, chain + 3.0 * unit
    # At each t > 0 the likelihood of the end is wanted too. Codes at t = 0 move
    # without images, but those that are kept make one each.
    nodes = len(built.integral.tempering.ladder)
    tempered = (nodes - 1) * (chain + unit) + built.draws * unit
    return chain, tempered + 3.0 * unit


def convolution(layer: Any) -> tuple[measure.Work, float]:
    """A transposed convolution and its gradient alone, and their FLOPs."""
    repeats = 5
    height, width, depth = layer.input.shape[1:]
    small = seeds.uniform(seeds.seed(0), [BATCH, height, width, depth])

    @functools.partial(tf.function, autograph=False)
    def loop() -> tf.Tensor:
        def body(i: Any, x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
            return i + 1, tape.gradient(y, x, output_gradients=y)

        return tf.while_loop(lambda i, x: i < repeats, body, (0, small))[1]

    count = 2.0 * 2.0 * BATCH * height * width * np.prod(layer.kernel.shape)
    return measure.Work(lambda: loop().numpy(), repeats), float(count)


def report_layers(built: Any) -> None:
    """The share of the limit of each convolution alone."""
    layers = [layer for layer in built.decoder.layers if "conv" in layer.name]
    found = [convolution(layer) for layer in layers]
    works = {"products": measure.products()}
    works |= {str(i): work for i, (work, _) in enumerate(found)}
    times = measure.rounds(works)
    rows = []
    whole = [
        sum(parts) for parts in zip(*list(times.values())[1:], strict=True)
    ]
    for name, count, spent in (
        *(
            (layers[i].name, found[i][1], times[str(i)])
            for i in range(len(found))
        ),
        ("all", sum(count for _, count in found), whole),
    ):
        rate = count / measure.PRODUCT_FLOPS
        share = rate * measure.ratio(times["products"], spent)
        rows.append(
            [name, f"{statistics.median(spent) * 1e3:.1f}", f"{share:.2f}"]
        )
    measure.table(["convolution and gradient", "ms", "of the products"], rows)


def report_step(data: str, estimator: str) -> None:
    """A whole step."""
    built = model(data, estimator)
    works = {
        "products": measure.products(),
        "ours": measure.Work(step(built)),
    }
    for name, (peer, threads) in peers(built).items():
        works[name] = measure.Work(peer.step, torch=threads)
    names = {"ours": "t = 1"}
    if estimator == "ti":
        names["all"] = "all temperatures (:ti)"
        every = model(data, "ti", generator_gradient="trapezoid")
        works["all"] = measure.Work(step(every))
        works["chain"] = measure.Work(posterior(built))
    times = measure.rounds(works)
    own = {
        name: time
        for name, time in times.items()
        if name not in ("all", "chain")
    }
    measure.report(f"step, {data}, {estimator}", own, flops(built)[1])
    if estimator == "mle":
        return
    number = len(built.integral.tempering.ladder)
    for name, source in names.items():
        share = measure.ratio(times[name], times["chain"]) / number
        print(
            f"ours, the generator from {source}, of {number} posterior "
            f"chains: {share:.2f}"
        )


def report_celeba() -> None:
    """What a step at the CelebA size is made of."""
    built = model("celeba", posterior_steps=2)
    works = {
        "products": measure.products(),
        "ours": measure.Work(posterior(built)),
    }
    for name, (peer, threads) in peers(built).items():
        works[name] = measure.Work(peer.posterior, torch=threads)
    measure.report(
        "posterior chain of 2 steps, CelebA",
        measure.rounds(works),
        flops(built)[0],
    )


def report_growth(data: str, short: int, few: int) -> None:
    """How a step at all temperatures grows, beside posterior chains."""
    sizes = [(few, short), (few, 2 * short), (2 * few, short)]
    works = {}
    for nodes, steps in sizes:
        changes = {"posterior_steps": steps, "ladder": {"num": nodes, "p": 3.0}}
        built = model(data, "ti", draws=min(5, steps), **changes)
        works[f"{nodes} x {steps}"] = measure.Work(step(built))
    plain = model(data, posterior_steps=short)
    works["chain"] = measure.Work(posterior(plain))
    times = measure.rounds(works)
    rows = []
    for nodes, steps in sizes:
        spent = times[f"{nodes} x {steps}"]
        first = times[f"{few} x {short}"]
        chains = [nodes * steps / short * x for x in times["chain"]]
        rows.append(
            [
                f"{data}, {nodes} temperatures x {steps} steps",
                f"{statistics.median(spent):.2f}",
                f"{measure.ratio(spent, first):.2f}",
                f"{measure.ratio(spent, chains):.2f}",
            ]
        )
    measure.table(["step", "s", "of the first", "of N_t chains"], rows)


def peak(steps: int, estimator: str, gradient: str) -> float:
    """Of this process, in MiB, after two training steps."""
    changes: dict[str, Any] = {"prior_gradient": gradient}
    if estimator == "ti":
        changes["ladder"] = {"num": 2, "p": 3.0}
    work = step(model("mnist", estimator, posterior_steps=steps, **changes))
    for _ in range(2):
        work()
    # Linux counts in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report_memory() -> None:
    """The peaks of processes of their own; the last row must grow."""
    rows = []
    for estimator, gradient in (
        *(("mle", "samples"), ("ti", "samples"), ("ti", "chain")),
    ):
        found = []
        for steps in (5, 20):
            child = subprocess.run(
                [
                    *(sys.executable, __file__),
                    f"--peak={steps},{estimator},{gradient}",
                ],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            found.append(float(child.stdout.splitlines()[-1]))
        name = f"{estimator}, gradient by {gradient}"
        more = found[1] - found[0]
        rows.append([name, *(f"{x:.0f}" for x in found), f"{more:+.0f}"])
    measure.table(["peak memory, MiB", "5 steps", "20 steps", "more"], rows)


def main(argv: list[str]) -> None:
    """Prints the tables."""
    del argv
    if _PEAK.value:
        steps, estimator, gradient = _PEAK.value
        print(peak(int(steps), estimator, gradient))
        return
    for part in _PARTS.value:
        if part in ("mle", "ti"):
            report_step("mnist", part)
        elif part in ("celeba_mle", "celeba_ti"):
            report_step("celeba", part.removeprefix("celeba_"))
        elif part == "celeba":
            report_celeba()
        elif part == "growth":
            report_growth("mnist", short=6, few=3)
        elif part == "celeba_growth":
            report_growth("celeba", short=2, few=2)
        elif part == "memory":
            report_memory()
        elif part == "layers":
            report_layers(model("mnist"))
            report_layers(model("celeba"))


if __name__ == "__main__":
    app.run(main)
