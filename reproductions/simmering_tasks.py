"""Small data sets that Adam overfits, and the ways to score a predictor."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib import figure
from matplotlib.backends import backend_agg
from sklearn import datasets as sklearn_datasets

import metrics
import zoo

NOISE = 0.3
_LEVEL = 0.9
# Optimizer steps between two looks at the validation loss.
_ROUND = 50


@dataclasses.dataclass(frozen=True)
class Task:
    """A data set, a network for it, and a temperature.

    Attributes:
        name: short.
        title: of its table.
        kind: "classification" or "regression".
        train: (x, y), and likewise the next two.
        validation: for early stopping alone.
        test: for the scores.
        units: of the network's layers, its output last.
        hidden: activation of the hidden layers.
        loss: Keras's, on the network's output.
        activation: of the output in predictions.
        learning_rate: Adam's.
        temperature: T_B, at which simmering samples the Bayesian posterior
            under the prior below: 1 / N for a mean negative log-likelihood.
        factors: temperatures to try, in units of T_B.
        batch_size: of simmering; None for all examples.
        precision: of the prior: of each weight tensor, in units of its rows
            if `by_rows`.
        by_rows: see precision.
    """

    name: str
    title: str
    kind: str
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    units: tuple[int, ...]
    hidden: str
    loss: Any
    activation: str | None
    learning_rate: float
    temperature: float
    factors: tuple[float, ...]
    batch_size: int | None
    precision: float
    by_rows: bool

    def network(self) -> keras.Model:
        """The same untrained network each time."""
        start = keras.Input(self.train[0].shape[1:])
        x = start
        for index, units in enumerate(self.units):
            last = index == len(self.units) - 1
            options: dict[str, Any] = {
                "activation": None if last else self.hidden,
                "kernel_initializer": keras.initializers.GlorotUniform(index),
            }
            x = keras.layers.Dense(units, **options)(x)
        return keras.Model(start, x)

    def prior(self) -> list[float]:
        """The prior's precision of each weight tensor."""
        shapes = [w.shape for w in self.network().trainable_variables]
        rows = [s[0] if len(s) > 1 and self.by_rows else 1 for s in shapes]
        return [self.precision * number for number in rows]

    def outputs(self, predictor: Any, x: np.ndarray) -> np.ndarray:
        """Of each member [members, n, ...]; a network is its only member."""
        if isinstance(predictor, zoo.SimmeredEnsemble):
            return predictor.member_predictions(x)
        activation: Any = keras.activations.get(self.activation)
        return np.asarray(activation(predictor(x)))[np.newaxis]

    def scores(self, predictor: Any) -> dict[str, float]:
        """What the table shows of a network or an ensemble."""
        members = self.outputs(predictor, self.test[0])
        trained = self.outputs(predictor, self.train[0]).mean(0)
        mean, y = members.mean(0), self.test[1]
        row = {
            "train_loss": self.error(trained, self.train[1]),
            "loss": self.error(mean, y),
        }
        if self.kind == "classification":
            right = members.argmax(-1) == y
            row["accuracy"] = float(np.mean(mean.argmax(-1) == y))
            gap = metrics.expected_calibration_error(mean, y)
            row["calibration_error"] = float(gap)
            if len(members) > 1:
                row["member_accuracy"] = float(right.mean())
        else:
            width = np.sqrt(members.var(0) + NOISE**2)
            row["coverage"] = float(metrics.coverage(mean, width, y, _LEVEL))
            row["spread"] = float(members.std(0).mean())
            if len(members) > 1:
                losses = [self.error(member, y) for member in members]
                row["member_loss"] = float(np.mean(losses))
        if isinstance(predictor, zoo.SimmeredEnsemble):
            ratio = predictor.diagnostics.summary()["kinetic_ratio"]
            row["kinetic_ratio"] = ratio
        return row

    def error(self, mean: np.ndarray, y: np.ndarray) -> float:
        """Negative log-likelihood of the mean probabilities, or MSE."""
        if self.kind == "regression":
            return float(np.mean((mean - y) ** 2))
        chosen = np.take_along_axis(mean, y[:, np.newaxis], 1)
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def adam(task: Task, rounds: int) -> tuple[keras.Model, keras.Model]:
    """Trains by Adam on all examples at once.

    Args:
        task: what to train on.
        rounds: of 50 steps each.

    Returns:
        (last, best): the network at the end, and the one of least loss on the
        validation examples.
    """
    last = task.network()
    last.compile(
        keras.optimizers.Adam(task.learning_rate),
        task.loss,
        steps_per_execution=_ROUND,
    )
    batch = tf.data.Dataset.from_tensors(task.train).repeat()
    best, least = task.network(), np.inf
    for _ in range(rounds):
        options: dict[str, Any] = {"verbose": 0, "shuffle": False}
        last.fit(batch, steps_per_epoch=_ROUND, **options)
        outputs = task.outputs(last, task.validation[0])[0]
        loss = task.error(outputs, task.validation[1])
        if loss < least:
            least = loss
            best.set_weights(last.get_weights())
    return last, best


def tasks(quick: bool) -> list[Task]:
    """Digits with wrong labels, a noisy sine, and unless quick plain digits."""
    plain = [] if quick else [digits(200, 0.0)]
    return [digits(200, 0.2), *plain, sine(40)]


def digits(number: int, wrong: float) -> Task:
    """Handwritten 8x8 digits, few of them, a share with wrong labels."""
    pixels, labels = sklearn_datasets.load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(labels))
    x = (pixels[order] / 16).astype(np.float32)
    y = labels[order].astype(np.int64)
    known = number + number // 2
    test = x[known:], y[known:]
    # Validation labels are as bad as those of the training.
    spoilt = rng.permutation(known)[: round(wrong * known)]
    y[spoilt] = (y[spoilt] + rng.integers(1, 10, len(spoilt))) % 10
    return Task(
        name=f"digits_{round(100 * wrong)}",
        title=f"{number} digits, {100 * wrong:g} % of the labels wrong",
        kind="classification",
        train=(x[:number], y[:number]),
        validation=(x[number:known], y[number:known]),
        test=test,
        units=(64, 64, 10),
        hidden="relu",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        activation="softmax",
        learning_rate=3e-3,
        temperature=1 / number,
        factors=(0.01, 0.03, 0.1),
        batch_size=32,
        precision=1.0,
        by_rows=True,
    )


def sine(number: int) -> Task:
    """A sine with noise."""
    rng = np.random.default_rng(0)

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.uniform(-2, 2, (count, 1)).astype(np.float32)
        y = np.sin(3 * x) + NOISE * rng.normal(size=x.shape)
        return x, y.astype(np.float32)

    return Task(
        name="sine",
        title=f"sine, {number} examples, noise {NOISE} (MSE {NOISE**2:.2f})",
        kind="regression",
        train=draw(number),
        validation=draw(number // 2),
        test=draw(1000),
        units=(50, 50, 1),
        hidden="tanh",
        loss=keras.losses.MeanSquaredError(),
        activation=None,
        learning_rate=1e-2,
        temperature=2 * NOISE**2 / number,
        factors=(1.0, 0.1),
        batch_size=None,
        precision=1.0,
        by_rows=False,
    )


def draw(task: Task, predictors: dict[str, Any], path: pathlib.Path) -> None:
    """Mean and spread (two standard deviations) of each method.

    Args:
        task: a regression of one input.
        predictors: networks and ensembles, by name.
        path: of the PNG.
    """
    grid = np.linspace(-2.6, 2.6, 400, dtype=np.float32)[:, np.newaxis]
    names: Sequence[str] = list(predictors)
    columns = 2
    rows = -(-len(names) // columns)
    # Not pyplot's, which would keep it alive.
    picture = figure.Figure((9, 2.6 * rows), dpi=110, layout="constrained")
    backend_agg.FigureCanvasAgg(picture)
    axes: Any = picture.subplots(rows, columns, squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        members = task.outputs(predictors[name], grid)[..., 0]
        mean, spread = members.mean(0), members.std(0)
        axis.plot(grid, np.sin(3 * grid), "k--", lw=0.8, label="truth")
        axis.plot(*task.train, "k.", ms=3, label="examples")
        axis.plot(grid, mean, lw=1.2, label="mean")
        axis.fill_between(
            grid[:, 0],
            mean - 2 * spread,
            mean + 2 * spread,
            alpha=0.3,
            label="two spreads",
        )
        axis.set_ylim(-3, 3)
        axis.set_title(name, fontsize=9)
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    axes.flat[0].legend(fontsize=7, ncol=2)
    picture.savefig(path)
