"""What a trained autoencoder's codes and reconstructions are worth."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import metrics
from samplers import seeds

# A latent counts as used where shuffling it raises the error by more.
SENSITIVE = 0.01


class Codes(NamedTuple):
    """Codes of images, a member's and of the mean.

    `mean` [n, latent] is the code, of an ensemble its average over members,
    of a posterior its mean; `spread` [latent] the variance over members,
    averaged over images (0 for a single encoder).
    """

    mean: np.ndarray
    spread: np.ndarray


class Description(NamedTuple):
    """Numbers `row`, and what they were computed from.

    `codes` are those of the test images, `rebuilt` [n, H, W, C] their
    reconstructions, `used` the indices of the latents that the decoder heeds.
    """

    row: dict[str, float]
    codes: Codes
    rebuilt: np.ndarray
    used: np.ndarray


def encode(model: Any, images: np.ndarray) -> Codes:
    """Codes of images [n, H, W, C], in [0, 1]."""
    found = model.encode(images)
    codes = found[0] if isinstance(found, tuple) else found
    if codes.shape.rank == 2:
        codes = codes[:, None]
    mean, variance = tf.nn.moments(codes, axes=[1])
    return Codes(mean.numpy(), variance.numpy().mean(0))


def reconstruct(model: Any, images: np.ndarray) -> np.ndarray:
    """Reconstructions [n, H, W, C]; of an ensemble, the average."""
    found = model.reconstruct(images)
    mean = found[0] if isinstance(found, tuple) else found
    return mean.numpy()


def squared_error(images: np.ndarray, others: np.ndarray) -> float:
    """Mean over images and pixels."""
    return float(np.mean(np.square(images - others, dtype=np.float64)))


def class_means(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of the rows of each class, in order: [classes, ...]."""
    return np.stack([codes[labels == k].mean(0) for k in np.unique(labels)])


def sensitivity(model: Any, codes: np.ndarray, images: np.ndarray):
    """metrics.permutation_sensitivity for a fixed shuffle: [latent]."""
    order = np.random.default_rng(0).permutation(len(codes))
    return metrics.permutation_sensitivity(
        tf.function(model.decode, autograph=False),
        tf.constant(codes),
        tf.constant(images),
        tf.constant(order),
    ).numpy()


def non_gaussianity(codes: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How far the codes are from normal, as distances of distributions.

    Returns:
        Medians of the Kolmogorov-Smirnov distance to the fitted normal:
        "ks" over latents, "ks_by_class" over latents and classes, and
        "ks_by_class_chance", what normal numbers score in such samples.
    """
    draws = np.random.default_rng(0)

    def by_class(values: np.ndarray) -> float:
        distances = [
            metrics.ks_to_normal(tf.constant(values[labels == k])).numpy()
            for k in np.unique(labels)
        ]
        return float(np.nanmedian(distances))

    return {
        "ks": float(np.nanmedian(metrics.ks_to_normal(tf.constant(codes)))),
        "ks_by_class": by_class(codes),
        "ks_by_class_chance": by_class(draws.normal(size=codes.shape)),
    }


def gaussian_samples(model: Any, codes: np.ndarray, number: int) -> np.ndarray:
    """Decodes draws from the normal fitted to the codes, [number, H, W, C].

    The same prior for every model: a latent space that is no normal blob
    shows in the images.
    """
    codes = codes.astype(np.float64)
    values, axes = np.linalg.eigh(np.cov(codes, rowvar=False))
    root = axes * np.sqrt(np.maximum(values, 0.0))
    noise = seeds.normal(
        seeds.seed(0), (number, codes.shape[1]), tf.float64
    ).numpy()
    drawn = (codes.mean(0) + noise @ root.T).astype(np.float32)
    return np.asarray(model.decode(drawn))


def describe(
    model: Any,
    images: np.ndarray,
    labels: np.ndarray,
    train: np.ndarray,
    train_labels: np.ndarray,
) -> Description:
    """Everything Table 1 says of the codes and the reconstructions.

    Args:
        model: a zoo.Encoding, ready to encode.
        images: of the test, [n, H, W, C] in [0, 1].
        labels: [n].
        train: [m, H, W, C], for the neighbours.
        train_labels: [m].
    """
    codes = encode(model, images)
    grown = sensitivity(model, codes.mean, images)
    variance = codes.mean.var(0)
    used = grown > SENSITIVE
    # Codes that the decoder ignores have no distribution worth a test.
    kept = codes.mean[:, used] if used.any() else codes.mean
    share = metrics.class_share(tf.constant(kept), tf.constant(labels))
    decoded = model.decode(tf.constant(class_means(codes.mean, labels)))
    rebuilt = reconstruct(model, images)
    row = {
        "mse": squared_error(rebuilt, images),
        "active_units": int(metrics.active_units(tf.constant(codes.mean))),
        "permutation_active": int(used.sum()),
        "participation_ratio": float(
            metrics.participation_ratio(tf.constant(codes.mean))
        ),
        "knn_accuracy": metrics.knn_accuracy(
            encode(model, train).mean, train_labels, codes.mean, labels
        ),
        "class_share": float(np.median(share)),
        **non_gaussianity(kept, labels),
        "median_variance": float(np.median(variance)),
        "member_share": float(
            codes.spread.sum() / (codes.spread.sum() + variance.sum())
        ),
        "class_mean_mse": squared_error(
            decoded.numpy(), class_means(images, labels)
        ),
    }
    return Description(row, codes, rebuilt, np.flatnonzero(used))
