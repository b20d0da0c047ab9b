r"""What the configs of the latent-space energy-based prior have in common.

Sources: Raj 2024, Tables 4 to 6 (default), and Pang 2020 (":pang").

With ":ti" the generator learns from codes of all temperatures, weighted by the
trapezoidal rule: the thesis's method, at about ten times the cost. It is not
the gradient of log p(x). The exact one takes codes of the posterior alone, and
then the other temperatures only warm up its chain:

    --config.model.generator_gradient=posterior

reproductions/ti_gradient_variance.py measures what the choice does to images
and to the noise of gradients. The prior learns from codes of the posterior and
a chain of its own, with either. Our own are p = 3, which the thesis varies,
and the rule of the log-evidence that is reported, corrected by variances in
place of its KL terms (eta = 1): no network learns from that value.

The rates fall in steps, at the end of every epoch; in the thesis's code they
fall within the epochs, from the end of the first one on, so that ours are up to
2.5 % lower. The 4,500 images are of the tests, and as many of the validation.

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


def config(
    arg: str,
    data: str,
    *,
    model: Mapping[str, Any],
    pang: Mapping[str, Any],
    quick: Mapping[str, Any],
    image_size: int | None = None,
) -> ml_collections.ConfigDict:
    """Returns the locked config of a data set.

    Args:
        arg: "" or "mle" for maximum likelihood, "ti" for the thermodynamic
            integral, "pang" for the other paper's networks and steps, "quick"
            for a first look.
        data: name of the data set.
        model: what is the data set's own.
        pang: what ":pang" changes of it.
        quick: what ":quick" changes of it.
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
        # z <- z - s^2 / 2 grad + s noise, s = 0.4 and 0.1: h = s^2 / 2.
        whole.model.update(
            {"prior_step_size": 0.08, "posterior_step_size": 0.005, **pang}
        )
        whole.data.train_images = None
        whole.data.batch_size = 100
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


def _decayed(first: float, final: float) -> dict[str, Any]:
    """Adam as in both papers, with the thesis's decay."""
    return {
        "learning_rate": first,
        "beta_1": 0.5,
        "decay_rate": 0.975,
        "decay_steps": _EPOCH,
        "final_rate": final,
    }
