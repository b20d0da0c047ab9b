r"""What the configs of the latent-space energy-based prior have in common.

Sources: Raj 2024, Tables 4 to 6 (default), and Pang 2020 (":pang").

With ":ti" the generator learns from codes of all temperatures, weighted by the
trapezoidal rule: the thesis's method, at about ten times the cost. It is not
the gradient of log p(x). The exact one takes codes of the posterior alone, and
then the other temperatures only warm up its chain:

    --config.model.generator_gradient=posterior

reproductions/ti_gradient_variance.py measures what the choice does to images
and to the noise of gradients. The prior learns from codes of the posterior and
a chain of its own, with either; the thesis's way through the chains is
prior_gradient=chain. Our own are p = 3, which the thesis varies, and the rule
of the log-evidence that is reported, corrected by variances in place of its KL
terms (eta = 1): no network learns from that value.

The rates fall in steps, at the end of every epoch; in the thesis's code they
fall within the epochs, from the end of the first one on, so that ours are up to
2.5 % lower. The 4,500 images are of the tests, and as many of the validation.
With another data.batch_size the steps and the decay stay, so that the number of
epochs changes: set training.steps and decay_steps too where it should not.

":pang" takes from Pang 2020's code (its script for SVHN and CelebA) E with 200,
200 hidden units and a slope of 0.2, the Langevin steps, batches of 100 and all
training images (of CelebA 40,000). On these two it also takes latent_dim, the
generator, 201 epochs, and rates that are multiplied by 0.998 an epoch, without
a floor. That code has no other of our sets: all else on them stays as without
":pang", steps and decay too. Adam's first rates and beta_1, sigma = 0.3, and 60
and 20 Langevin steps (CIFAR-10: 40, the thesis's) are the same in both sources.

Beside the variants, for chains of training images that go on where they were
last seen (not with ":ti"), and for all temperatures at once with exchanges:

    --config.model.persistent=True
    --config.model.dynamics=mala --config.model.batched=True \
        --config.model.exchange_every=5
"""

from collections.abc import Mapping
from typing import Any

import ml_collections

from configs import experiment

# Images of an epoch and of the tests, epochs, and the batch (Raj 2024).
_TRAIN, _EVAL, _EPOCHS, _BATCH = 12_000, 4_500, 50, 75
_EPOCH = _TRAIN // _BATCH
# Pang 2020: z <- z - s^2 / 2 grad + s noise with s = 0.4 and 0.1, h = s^2 / 2.
_PANG = {
    "energy_units": (200, 200),
    "energy_slope": 0.2,
    "prior_step_size": 0.08,
    "posterior_step_size": 0.005,
}
_PANG_EPOCHS, _PANG_BATCH, _PANG_DECAY = 201, 100, 0.998


def config(
    arg: str,
    data: str,
    *,
    model: Mapping[str, Any],
    quick: Mapping[str, Any],
    pang: Mapping[str, Any] | None = None,
    pang_images: int | None = None,
    image_size: int | None = None,
) -> ml_collections.ConfigDict:
    """Returns the locked config of a data set.

    Args:
        arg: "" or "mle" for maximum likelihood, "ti" for the thermodynamic
            integral, "pang" for the other paper's networks and steps, "quick"
            for a first look.
        data: name of the data set.
        model: arguments of the model for this data set.
        quick: what ":quick" changes of them.
        pang: what ":pang" changes of them, besides what it changes for all
            data sets.
        pang_images: training images of ":pang", which then has Pang's epochs
            and decay; None: all images, and the thesis's steps and decay.
        image_size: side that images are resized to.
    """
    return experiment.config(
        arg,
        {
            "model": {"name": "latent_energy_prior", **model},
            "data": {
                "name": data,
                "batch_size": _BATCH,
                "train_examples": _TRAIN,
                "eval_examples": _EVAL,
                **({"image_size": image_size} if image_size else {}),
            },
            "optimizer": {
                "generator": _decayed(1e-4, 5e-5),
                "prior": _decayed(2e-5, 1e-5),
            },
            "training": _epochs(_EPOCHS, _EPOCH),
        },
        mle={},
        ti={"model": {"estimator": "ti", "generator_gradient": "trapezoid"}},
        pang={
            "model": {**_PANG, **(pang or {})},
            "data": {"train_examples": pang_images, "batch_size": _PANG_BATCH},
            **_pangs_epochs(pang_images),
        },
        quick={
            "model": quick,
            "data": {"eval_examples": 500},
            "optimizer": {
                "generator": {"learning_rate": 1e-3, "decay_steps": 100},
                "prior": {"learning_rate": 6e-4, "decay_steps": 100},
            },
            "training": {
                "steps": 1200,
                "report_every": 300,
                "images_every": 600,
            },
        },
    )


def _pangs_epochs(images: int | None) -> dict[str, Any]:
    """Pang's steps and decay, where the data set is one of Pang's."""
    if images is None:
        return {}
    epoch = images // _PANG_BATCH
    decay = {
        "decay_rate": _PANG_DECAY,
        "decay_steps": epoch,
        "final_rate": 0.0,
    }
    return {
        "training": _epochs(_PANG_EPOCHS, epoch),
        "optimizer": {"generator": decay, "prior": decay},
    }


def _epochs(number: int, length: int) -> dict[str, int]:
    return {
        "steps": number * length,
        "report_every": length,
        "images_every": 5 * length,
    }


def _decayed(first: float, final: float) -> dict[str, Any]:
    """Adam as in both papers, with the thesis's decay."""
    return {
        "learning_rate": first,
        "beta_1": 0.5,
        "decay_rate": 0.975,
        "decay_steps": _EPOCH,
        "final_rate": final,
    }
