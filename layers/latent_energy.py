"""The energy of a code, which tilts a Gaussian prior (Pang 2020)."""

from collections.abc import Sequence

import keras

from layers import initializers


def latent_energy(
    latent_dim: int,
    units: Sequence[int] = (100, 100),
    slope: float = 0.1,
    seed: int = 0,
) -> keras.Sequential:
    """A dense network with one linear output, the energy E(z).

    The prior is p(z) ~ exp(-E(z)) N(z; 0, sigma0^2), so E = -f of the papers.
    The defaults are Raj 2024's; Pang 2020's for SVHN are units=(200, 200) and
    slope=0.2.

    Args:
        latent_dim: size of a code.
        units: sizes of the hidden layers.
        slope: of the leaky ReLUs below zero.
        seed: seed of the weights.

    Returns:
        A built network [B, latent_dim] -> [B, 1].
    """
    body = [keras.layers.Input((latent_dim,))]
    for index, size in enumerate(units):
        body.append(
            keras.layers.Dense(
                size, kernel_initializer=initializers.glorot(seed, index)
            )
        )
        body.append(keras.layers.LeakyReLU(negative_slope=slope))
    body.append(
        keras.layers.Dense(
            1, kernel_initializer=initializers.glorot(seed, len(units))
        )
    )
    return keras.Sequential(body, name="latent_energy")
