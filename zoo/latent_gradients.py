"""The two gradients of the log-evidence, from samples held constant.

    d log p(x) / d alpha = E_prior[dE/d alpha] - E_posterior[dE/d alpha]
    d log p(x) / d beta  = E_posterior[d log p(x | z) / d beta]

(Pang 2020, Eqs. 6 and 7 of Raj 2024), for the prior's weights alpha and the
generator's beta. Both functions return gradients of -log p(x), to minimise.
"""

from typing import Any

import tensorflow as tf

from zoo.latent_model import LatentModel


def of_prior(
    model: LatentModel,
    posterior: tf.Tensor,
    prior: tf.Tensor,
    variables: Any,
) -> tuple[list, tf.Tensor]:
    """The gradient that moves the prior towards the posterior's codes.

    Args:
      model: its E is differentiated.
      posterior: codes from p(z | x), [B, latent].
      prior: codes from p(z), [B', latent].
      variables: of E.

    Returns:
      gradients like `variables`, and the mean of E over the posterior's codes
      less that over the prior's, in nats.
    """
    with tf.GradientTape() as tape:
        gap = tf.reduce_mean(model.tilt(posterior))
        gap -= tf.reduce_mean(model.tilt(prior))
    return _dense(tape, gap, variables), gap


def of_generator(
    model: LatentModel, x: tf.Tensor, posterior: tf.Tensor, variables: Any
) -> tuple[list, tf.Tensor]:
    """The gradient of the error at the posterior's codes (Fisher's identity).

    Args:
      model: its log p(x | z) is differentiated.
      x: [B, ...].
      posterior: codes from p(z | x), [B, latent].
      variables: of g.

    Returns:
      gradients like `variables`, and -log p(x | z) without its constant, [B].
    """
    with tf.GradientTape() as tape:
        energy = -model.log_likelihood(x, posterior)
        loss = tf.reduce_mean(energy)
    return _dense(tape, loss, variables), energy


def _dense(tape: tf.GradientTape, loss: tf.Tensor, variables: Any) -> list:
    return tape.gradient(
        loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
