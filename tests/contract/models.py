"""The table of the contract tests: every model, with what builds it."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo

SHAPE = (8, 8, 1)
DENSE = {"image_shape": SHAPE, "latent_dim": 3, "hidden_units": [16]}
CONV = {"image_shape": (16, 32, 3), "latent_dim": 3, "body": "conv"}
ENTROPIC = {
    "encoder_steps": 4,
    "members": 3,
    "member_interval": 5,
    "batch_size": 8,
    "chain_length": 4,
    "temperature": 1e-7,
}
LATENT = {"image_shape": SHAPE, "latent_dim": 3, "energy_units": [8]}
DENSITY = ("encode_with", "energy", "log_evidence")
BANK = {"bank_size": 32}


@dataclasses.dataclass(frozen=True)
class Case:
    """A model of the zoo, its arguments, and the shape of its data."""

    label: str
    name: str
    arguments: dict
    block: int | None = None
    option: str = "bandwidth"
    # Signatures beyond those of every model.
    more: tuple = ()

    @property
    def shape(self) -> tuple:
        return tuple(self.arguments["image_shape"])

    def build(self, jit_compile: bool = False, **changes) -> Any:
        model: Any = zoo.build(self.name, **{**self.arguments, **changes})
        model.compile(
            optimizer=keras.optimizers.Adam(3e-3), jit_compile=jit_compile
        )
        return model

    def images(self, number: int = 48) -> np.ndarray:
        """Smooth blobs: a decoder can learn them in a few steps."""
        rng = np.random.default_rng(0)
        height, width, channels = self.shape
        rows, columns = np.mgrid[:height, :width]
        centre = rng.uniform(0.2, 0.8, (number, 2, 1, 1))
        distance = (rows / height - centre[:, 0]) ** 2
        distance = distance + (columns / width - centre[:, 1]) ** 2
        images = np.exp(-distance / 0.05)[..., None]
        return np.repeat(images, channels, -1).astype(np.float32)

    def batches(self, number: int = 8) -> tf.data.Dataset:
        data = tf.data.Dataset.from_tensor_slices(self.images())
        data = data.repeat().batch(8, drop_remainder=True)
        if self.block:
            data = data.batch(self.block, drop_remainder=True)
        return data.take(number)

    def fit(self, model, steps: int, epochs: int = 1):
        return model.fit(
            self.batches(steps * epochs).repeat(),
            steps_per_epoch=steps,
            epochs=epochs,
            shuffle=False,
            verbose=0,
        )


CASES = [
    Case("ae", "autoencoder", {**DENSE, **BANK}),
    Case("ae_conv", "autoencoder", {**CONV, **BANK, "loss": "bernoulli"}),
    Case("vae", "variational_autoencoder", DENSE, option="temperature"),
    Case(
        "vae_conv",
        "variational_autoencoder",
        {**CONV, "likelihood": "gaussian", "beta": 0.5},
        option="temperature",
    ),
    Case("eae", "entropic_autoencoder", {**DENSE, **BANK, **ENTROPIC}, block=4),
    Case(
        "eae_split",
        "entropic_autoencoder",
        {
            **DENSE,
            **BANK,
            **ENTROPIC,
            "redraw_every": 3,
            "temperature_schedule": {
                "name": "exponential",
                "final": 1e-8,
                "updates": 5,
            },
        },
        block=2,
    ),
    Case(
        "eae_massive",
        "entropic_autoencoder",
        {
            **DENSE,
            **BANK,
            **ENTROPIC,
            "chain_length": 2,
            "thermostat": "massive",
            "friction": 0.01,
        },
        block=4,
    ),
    Case(
        "eae_per_tensor",
        "entropic_autoencoder",
        {**DENSE, **BANK, **ENTROPIC, "thermostat": "per_tensor"},
        block=2,
    ),
    Case(
        "lebm",
        "latent_energy_prior",
        {**LATENT, "body": "dense", "hidden_units": [16]},
        option="temperature",
        more=DENSITY,
    ),
    Case(
        "lebm_conv",
        "latent_energy_prior",
        {**LATENT, "filters": 2, "dynamics": "baoab"},
        option="temperature",
        more=DENSITY,
    ),
    Case(
        "lebm_ti",
        "latent_energy_prior",
        {
            **LATENT,
            "filters": 2,
            "estimator": "ti",
            "ladder": {"name": "power_law", "num": 4, "p": 3.0},
            "posterior_steps": 8,
        },
        option="temperature",
        more=DENSITY,
    ),
    Case("eae_conv", "entropic_autoencoder", {**CONV, **BANK, **ENTROPIC}),
]
