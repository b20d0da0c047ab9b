"""A network at a temperature, and what its encoders make of images."""

import time
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import metrics
import sources
import zoo
from metrics import classifier
from reproductions import codes
from zoo.entropic import energy as encoder_energy


class Plan(NamedTuple):
    """How hot, how long, and what is looked at.

    Attributes:
        hot: temperature, in squared grey values.
        cold: temperature.
        hot_updates: of the decoder, in the hot stage.
        cold_updates: in the cold stage after it.
        encoder_steps: to a decoder update.
        members: encoders of each ensemble.
        interval: encoder steps before each member.
        images: of the test, that are looked at.
        judged_on: training images that the judge learns from.
        hidden_units: of the encoder; the decoder is its mirror image.
    """

    hot: float = 3e-8
    cold: float = 3e-9
    hot_updates: int = 30
    cold_updates: int = 150
    encoder_steps: int = 150
    members: int = 60
    interval: int = 50
    images: int = 2000
    judged_on: int = 50_000
    hidden_units: tuple[int, ...] = (512, 256)


QUICK = Plan(
    hot_updates=20,
    cold_updates=60,
    members=40,
    interval=25,
    images=1000,
    judged_on=10_000,
)


class Sight(NamedTuple):
    """What was seen of a model.

    `numbers` by name; `losses` [members], of each member on the test images;
    `shown` [n, H, W, C], the decoded mean codes, as the paper shows them.
    """

    numbers: dict[str, float]
    losses: np.ndarray
    shown: np.ndarray


def build(plan: Plan, spec: zoo.DataSpec, temperature: float) -> Any:
    """The network of Table 1 at one temperature; its seed is always 0."""
    model: Any = zoo.build(
        "entropic_autoencoder",
        data=spec,
        latent_dim=64,
        hidden_units=plan.hidden_units,
        temperature=temperature,
        step_size=1.0,
        encoder_steps=plan.encoder_steps,
        members=plan.members,
        member_interval=plan.interval,
    )
    # Graph mode: under XLA every step would copy the stack of members.
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    return model


def train(
    model: Any, plan: Plan, images: Any, updates: int, first: int, title: str
) -> list[float]:
    """Updates the decoder so many times; prints a line every tenth.

    Args:
        model: of `build`.
        plan: the same.
        images: uint8 [N, H, W, C].
        updates: of the decoder.
        first: updates before these: the batches go on after theirs.
        title: of the lines.

    Returns:
        The mean energy of each update's encoders.
    """
    start = time.monotonic()
    losses: list[float] = []

    def report(_: int, logs: dict) -> None:
        losses.append(float(logs["loss"]))
        if len(losses) % max(1, updates // 10) == 0:
            print(
                f"{title}: update {len(losses)} of {updates}, loss "
                f"{losses[-1]:.4f}, {time.monotonic() - start:.0f} s",
                flush=True,
            )

    silent: Any = 0
    model.fit(
        sources.batches(
            images,
            batch_size=32,
            seed=0,
            first_step=first,
            batches_per_step=model.batches_per_step,
        ),
        steps_per_epoch=1,
        epochs=updates,
        shuffle=False,
        verbose=silent,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)],
    )
    return losses


def member_losses(model: Any, images: np.ndarray) -> np.ndarray:
    """The mean squared error of each member on images: [members]."""
    decoder = encoder_energy.values(model.decoder)
    return model.ensemble.apply(
        lambda weights: encoder_energy.energy(
            model.encoder, model.decoder, weights, decoder, tf.constant(images)
        ),
        tf.float32,
    ).numpy()


def spreads(images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Variance between the means of the classes, and within the classes.

    Their sum is the variance of the images, averaged over pixels.
    """
    means = codes.class_means(images, labels)
    own = means[np.searchsorted(np.unique(labels), labels)]
    middle = np.broadcast_to(images.mean(0), images.shape)
    return codes.squared_error(own, middle), codes.squared_error(images, own)


def _untrended(values: np.ndarray) -> np.ndarray:
    """What is left of values [n] beside a straight line."""
    time_ = np.arange(len(values))
    return values - np.polyval(np.polyfit(time_, values, 1), time_)


def look(model: Any, critic: Any, data: sources.Data, plan: Plan) -> Sight:
    """Collects an ensemble and shows it test images.

    Args:
        model: trained.
        critic: of metrics.classifier.
        data: images, with labels.
        plan: of the run.
    """
    scale = np.float32(255)
    images = data.test[: plan.images] / scale
    labels = data.test_labels[: plan.images]
    near = data.train[: plan.images] / scale
    kinetic = model.collect_ensemble(data.train)
    found = codes.encode(model, images)
    shown = model.decode(tf.constant(found.mean)).numpy()
    losses = member_losses(model, images)
    rebuilt = codes.reconstruct(model, images)
    # The members' error less that of their mean: their variance about it.
    noise = float(losses.mean()) - codes.squared_error(rebuilt, images)
    signal = sum(spreads(rebuilt, labels))
    whole, ours = spreads(images, labels), spreads(shown, labels)
    error = codes.squared_error(shown, images)
    size = float(metrics.effective_sample_size(losses[:, None])[0])
    weights = np.concatenate([np.ravel(w) for w in model.ensemble.member(-1)])
    numbers = {
        "mse": error,
        "explained": 1 - error / sum(whole),
        "between": ours[0] / whole[0],
        "within": ours[1] / whole[1],
        "image_share": signal / (signal + noise),
        "judged": classifier.accuracy(critic, shown, labels),
        "knn_accuracy": metrics.knn_accuracy(
            codes.encode(model, near).mean,
            data.train_labels[: plan.images],
            found.mean,
            labels,
        ),
        "loss": float(losses.mean()),
        "loss_error": float(losses.std(ddof=1) / np.sqrt(size)),
        "loss_spread": float(losses.std(ddof=1)),
        "loss_thermal": float(_untrended(losses).std(ddof=2)),
        "loss_size": size,
        "r_hat": float(metrics.split_r_hat(losses[:, None])),
        "kinetic_ratio": float(kinetic.mean()),
        "weight_rms": float(np.sqrt(np.mean(weights.astype(float) ** 2))),
    }
    return Sight(numbers, losses, shown)
