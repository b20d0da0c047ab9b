"""Settings of the runs behind both experiments of Raj 2024."""

import pathlib
from typing import Any, NamedTuple

import errors
import sources
from reproductions import outputs
from training import command_line

# Dense, and far smaller than Raj 2024's: latents, generator, energy.
NETWORKS = {
    "digits": {
        "latent_dim": 8,
        "hidden_units": (64,),
        "energy_units": (32, 32),
    },
    "mnist": {
        "latent_dim": 16,
        "hidden_units": (32,),
        "energy_units": (32, 32),
    },
}
# Passes over the training images: about 330 steps of 75 images each.
EPOCHS = {"digits": 20, "mnist": 2}


class Plan(NamedTuple):
    """How long each run is, and how it is looked at.

    Attributes:
        epochs: passes over the training images, whatever the batch.
        repetitions: runs of one setting, with seeds of their own.
        measured: gradients drawn at the end of each run.
        train_images: at most.
        eval_images: real and generated images that are compared, at most.
    """

    epochs: int
    repetitions: int = 3
    measured: int = 40
    train_images: int = 12_000
    eval_images: int = 2_000


QUICK = Plan(epochs=1, repetitions=2, measured=8, train_images=1_000)


class Setting(NamedTuple):
    """What one box of a figure stands for.

    Attributes:
        estimator: "mle", the vanilla model, or "ti".
        batch_size: images of a step.
        frozen: whether the prior stays as it was made.
        p: of the ladder (i / (N_t - 1))^p.
        num: N_t, its nodes.
        steps: K, of the chain at each temperature.
        kl_weight: eta.
        generator_gradient: "trapezoid" (Raj 2024), or "posterior" for the
            defaults of our model.
        prior_gradient: "samples", or "chain" through the chains.
    """

    estimator: str = "ti"
    batch_size: int = 75
    frozen: bool = False
    p: float = 1.0
    num: int = 10
    steps: int = 20
    kl_weight: float = 1.0
    generator_gradient: str = "trapezoid"
    prior_gradient: str = "samples"

    def arguments(self) -> dict[str, Any]:
        """Of the model, beside its networks."""
        if self.estimator == "mle":
            return {"estimator": "mle", "posterior_steps": self.steps}
        common = {
            "estimator": "ti",
            "ladder": {"name": "power_law", "num": self.num, "p": self.p},
            "posterior_steps": self.steps,
        }
        if self.generator_gradient == "posterior":
            return common
        return {
            **common,
            # One code a temperature, as the thesis has it.
            "draws": 1,
            "rule": "trapezoid",
            "kl_weight": self.kl_weight,
            "generator_gradient": self.generator_gradient,
            "prior_gradient": self.prior_gradient,
        }


def load(
    argv: list[str], values: Any
) -> tuple[sources.Data, Plan, pathlib.Path]:
    """The data, the plan and the folder of the results that flags ask for.

    Args:
        argv: what is left of the command line.
        values: the flags of `ti_tables.define_flags`.

    Raises:
        errors.InputError: a flag is out of range, or the data are missing.
    """
    command_line.alone(argv)
    if values.data not in NETWORKS:
        raise errors.InputError(
            f"--data={values.data} is unknown: choose one of "
            f"{', '.join(NETWORKS)}"
        )
    plan = QUICK if values.quick else Plan(EPOCHS[values.data])
    for key, least in (("epochs", 1), ("repetitions", 2)):
        value = getattr(values, key)
        if value is None:
            continue
        if value < least:
            raise errors.InputError(
                f"--{key}={value} is out of range: give {least} or more"
            )
        plan = plan._replace(**{key: value})
    data = sources.load(
        values.data, data_dir=values.data_dir, download=values.download
    )
    count = plan.train_images
    data = data._replace(
        train=data.train[:count], train_labels=data.train_labels[:count]
    )
    # Runs whose images were judged by other features are kept apart.
    name = f"{values.data}-{'quick' if values.quick else 'full'}"
    name += "-inception" if values.inception_weights else ""
    return data, plan, outputs.folder(values.output, name)
