"""Persistent chains reach the posterior that short ones do not."""

from typing import Any

import datasets
import keras
import numpy as np
import tensorflow as tf

import zoo
from samplers import seeds
from tests import linear_gaussian
from zoo import latent_model

SIGMA, EACH = 0.5, 500
W = linear_gaussian.model(dz=2, dx=4).w
# Two images, unlike each other: whose chain is whose matters.
PAIR = np.array([[[200, 60], [120, 180]], [[30, 220], [90, 10]]], np.uint8)
IMAGES = np.tile(PAIR, (EACH, 1, 1))[..., np.newaxis]


def _model() -> Any:
    """Two moves a step, on a linear-Gaussian model that training keeps."""
    model: Any = zoo.build(
        "latent_energy_prior",
        image_shape=(2, 2, 1),
        latent_dim=2,
        body="dense",
        hidden_units=[4],
        sigma=SIGMA,
        dynamics="mala",
        prior_steps=1,
        posterior_steps=2,
        posterior_step_size=0.03,
        persistent=True,
        num_images=len(IMAGES),
    )
    w = tf.constant(W, tf.float32)
    model.pieces = latent_model.LatentModel(
        lambda z: 0.0 * tf.reduce_sum(z, -1),
        lambda z: tf.reshape(
            tf.linalg.matmul(z, w, transpose_b=True), [-1, 2, 2, 1]
        ),
        1.0,
        SIGMA,
    )
    frozen = keras.optimizers.SGD(0.0)
    model.compile(frozen, prior_optimizer=keras.optimizers.SGD(0.0))
    return model


def _off(codes):
    """Largest errors of mean and covariance, in their standard errors."""
    found = []
    for image, own in ((0, codes[::2]), (1, codes[1::2])):
        x = 2.0 * PAIR[image].reshape(4) / 255.0 - 1.0
        exact = linear_gaussian.Model(W, SIGMA, x)
        mean, covariance = exact.power_posterior(1.0)
        white = np.linalg.solve(np.linalg.cholesky(covariance), (own - mean).T)
        found.append(
            (
                np.abs(white.mean(1)).max() * np.sqrt(EACH),
                np.abs(np.cov(white) - np.eye(2)).max() * np.sqrt(EACH / 2),
            )
        )
    return np.max(found, 0)


def test_chains_that_persist_reach_the_posterior():
    model = _model()
    batches = datasets.train_batches(
        IMAGES, batch_size=250, seed=0, numbered=True
    )
    model.fit(batches, steps_per_epoch=240, shuffle=False, verbose=0)
    mean, covariance = _off(np.asarray(model.persistent_codes.codes.value))
    assert mean < 4.5 and covariance < 4.5
    # The control: as many moves as one visit makes, from N(0, 1).
    scaled = IMAGES / np.float32(255)
    codes = model.encode(scaled, seeds.rows(3, len(IMAGES)))
    mean, covariance = _off(np.asarray(codes))
    assert mean > 10 and covariance > 10
