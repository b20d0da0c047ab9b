"""Configs of the models beside the entropic autoencoder."""

from collections.abc import Sequence
from typing import Any

from configs import experiment


def baseline(
    arg: str,
    *,
    data: str,
    hidden_units: Sequence[int],
    steps: int = 4000,
    **own: Any,
) -> Any:
    """Returns the locked config of a model that is trained as the baselines.

    Args:
        arg: "" or "quick".
        data: name of the data set.
        hidden_units: sizes of the dense body.
        steps: of training, where `arg` is "".
        **own: name and other arguments of the model.

    Raises:
        ValueError: `arg` is something else.
    """
    settings = experiment.config(
        arg,
        ("quick",),
        data=data,
        batch_size=128,
        model={"body": "dense", "hidden_units": hidden_units, **own},
        training={
            "steps": steps,
            "report_every": 200,
            "images_every": 1000,
            "steps_per_execution": 20,
        },
    )
    if arg == "quick":
        settings.training.update({"steps": 400, "images_every": 400})
    return settings.lock()


def autoencoder(arg: str, **own: Any) -> Any:
    """The config of an autoencoder; see `baseline`."""
    return baseline(
        arg,
        name="autoencoder",
        loss="mse",
        bank_size=10_000,
        bandwidth=0.1,
        **own,
    )


def variational(arg: str, **own: Any) -> Any:
    """The config of a variational autoencoder; see `baseline`."""
    return baseline(
        arg,
        name="variational_autoencoder",
        beta=1.0,
        likelihood="bernoulli",
        sigma=0.1,
        **own,
    )
