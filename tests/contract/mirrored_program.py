"""Trains on one device and on two logical CPUs; prints what differs.

Run by test_mirrored.py in a process of its own: logical devices must be set
before TensorFlow does anything else.
"""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

import errors
import train
import zoo
from training import strategy

_SPEC = zoo.DataSpec("image", (8, 8, 1))


def _settings(name):
    model = {"name": name, "latent_dim": 2, "hidden_units": (8,)}
    return {
        "model": model,
        "data": {"name": "digits", "batch_size": 16},
        "optimizer": {"name": "sgd", "learning_rate": 0.5},
        # As in the configs of configs/, which replicas cannot follow.
        "training": {
            "steps": 20,
            "report_every": 10,
            "steps_per_execution": 5,
            "jit_compile": True,
        },
    }


def _weights(workdir, data, device):
    results = train.train(
        _settings("autoencoder"), workdir, data_dir=data, strategy=device
    )
    model = zoo.build(
        "autoencoder", data=_SPEC, latent_dim=2, hidden_units=(8,)
    )
    start = [np.array(v) for v in model.trainable_variables]
    model.load_weights(str(workdir / "model.weights.h5"))
    end = [np.array(v) for v in model.trainable_variables]
    return results, start, end


def _noise(devices):
    """The seeds that the replicas of a variational autoencoder draw from."""
    with devices.scope():
        model = zoo.build(
            "variational_autoencoder",
            data=_SPEC,
            latent_dim=2,
            hidden_units=(8,),
        )
        model.compile(optimizer=keras.optimizers.SGD(0.1))
        seeds = devices.run(tf.function(model.next_seed))
    found = devices.experimental_local_results(seeds)
    return [value.numpy().tolist() for value in found]


def main(folder: pathlib.Path) -> None:
    """Prints one JSON object."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    data = str(folder / "data")
    one, start, single = _weights(folder / "one", data, "cpu")
    two, _, double = _weights(folder / "two", data, "mirrored")
    vae = train.train(
        _settings("variational_autoencoder"),
        folder / "vae",
        data_dir=data,
        strategy="mirrored",
    )
    noise = _noise(strategy.choose("mirrored"))
    persistent = {
        **_settings("latent_energy_prior"),
        "model": {"name": "latent_energy_prior", "persistent": True},
        "optimizer": {},
    }
    try:
        train.train(
            persistent, folder / "lebm", data_dir=data, strategy="mirrored"
        )
        bank = ""
    except errors.InputError as error:
        bank = str(error)
    # Last: a trace that fails in one replica leaves the others waiting.
    try:
        train.train(
            {**_settings("entropic_autoencoder")},
            folder / "eae",
            data_dir=data,
            strategy="mirrored",
        )
        refusal = ""
    except errors.InputError as error:
        refusal = str(error)
    report = {
        "moved": max(
            float(np.abs(a - b).max())
            for a, b in zip(start, single, strict=True)
        ),
        "apart": max(
            float(np.abs(a - b).max())
            for a, b in zip(single, double, strict=True)
        ),
        "test_mse": [one["test_mse"], two["test_mse"], vae["test_mse"]],
        "noise": noise,
        "refusal": refusal,
        "bank": bank,
    }
    print("REPORT " + json.dumps(report))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
