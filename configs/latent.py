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

VARIANTS = ("mle", "ti", "pang", "quick")
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
        model: what is the data set's own.
        quick: what ":quick" changes of it.
        pang: what ":pang" changes of it, besides what all sets take.
        pang_images: training images of ":pang", and Pang's epochs and decay;
            None: all images, and the thesis's steps and decay.
        image_size: side that images are resized to.
    """
    whole = experiment.config(
        arg,
        VARIANTS,
        data=data,
        batch_size=_BATCH,
        model=experiment.latent(**model),
        optimizer=_decayed(1e-4, 5e-5),
        prior_optimizer=_decayed(2e-5, 1e-5),
        training={
            "steps": _EPOCHS * _EPOCH,
            "report_every": _EPOCH,
            "images_every": 5 * _EPOCH,
            "jit_compile": False,
        },
    )
    whole.data.update(
        {
            "train_images": _TRAIN,
            "eval_images": _EVAL,
            "image_size": image_size,
        }
    )
    if arg == "ti":
        whole.model.estimator = "ti"
        whole.model.generator_gradient = "trapezoid"
    if arg == "pang":
        whole.model.update({**_PANG, **(pang or {})})
        whole.data.train_images = pang_images
        whole.data.batch_size = _PANG_BATCH
        if pang_images:
            _follow_pang(whole, pang_images // _PANG_BATCH)
    if arg == "quick":
        whole.model.update(quick)
        whole.data.eval_images = 500
        whole.optimizer.update({"learning_rate": 1e-3, "decay_steps": 100})
        whole.prior_optimizer.update(
            {"learning_rate": 6e-4, "decay_steps": 100}
        )
        whole.training.update(
            {
                "steps": 1200,
                "report_every": 300,
                "checkpoint_every": 300,
                "images_every": 600,
            }
        )
    return whole.lock()


def _follow_pang(whole: Any, epoch: int) -> None:
    """Sets Pang's steps and decay, for epochs of so many steps."""
    whole.training.update(
        {
            "steps": _PANG_EPOCHS * epoch,
            "report_every": epoch,
            "checkpoint_every": epoch,
            "images_every": 5 * epoch,
        }
    )
    for optimizer in (whole.optimizer, whole.prior_optimizer):
        optimizer.decay_rate = _PANG_DECAY
        optimizer.decay_steps = epoch
        optimizer.final_rate = 0.0


def _decayed(first: float, final: float) -> dict[str, Any]:
    """Adam as in both papers, with the thesis's decay."""
    return {
        "learning_rate": first,
        "beta_1": 0.5,
        "decay_rate": 0.975,
        "decay_steps": _EPOCH,
        "final_rate": final,
    }
