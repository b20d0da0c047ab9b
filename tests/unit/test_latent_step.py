"""One step of learning along all temperatures."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import zoo
from configs import lebm_celeba, lebm_mnist
from samplers import seeds
from tests.small_latent import IMAGES, TI, build
from zoo.latent_prior import gradients, step


def _build(**changes) -> Any:
    return build(**TI, rule="trapezoid", **changes)


@tf.function(autograph=False)
def _step(model, x):
    variables = {player: model.variables_of(player) for player in model.players}
    return step.by_integral(
        model.codes, model.integral, x, seeds.seed(0), variables
    )


@pytest.mark.parametrize("draws", [1, 3])
def test_the_trapezoid_while_the_chains_run_is_the_one_after(draws):
    x = tf.constant(2.0 * IMAGES - 1.0)
    ours, plain = (
        _step(_build(draws=draws, generator_gradient=kind), x)
        for kind in ("trapezoid", "posterior")
    )
    for key in ("loss", "error", "gap", "codes"):
        np.testing.assert_allclose(
            getattr(ours, key), getattr(plain, key), rtol=1e-5
        )
    # The seed of the step's chains, and where they start.
    model = _build(draws=draws)
    moves = model.integral.tempering
    first, seed = seeds.split(seeds.seed(0), 2)
    found = moves.run(model.density, x, model.codes.prior(first, 6), seed)
    codes, weights = gradients.weighted_codes(
        *("trapezoid", moves.ladder),
        *(found.samples, found.log_likelihood, "trapezoid"),
    )
    after = gradients.of_generator_by_all(
        model.density, x, codes, weights, model.variables_of("generator")
    )
    for a, b, other in zip(
        ours.gradients["generator"],
        after,
        plain.gradients["generator"],
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
        assert np.abs(a - other).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "shape", "changes"),
    [
        (lebm_celeba, (64, 64, 3), {"posterior_steps": 2, "draws": 2}),
        (lebm_mnist, (28, 28, 1), {"prior_gradient": "chain"}),
    ],
    ids=["celeba", "chain"],
)
def test_steps_that_fill_the_memory_go_on(config, shape, changes):
    """TensorFlow's rewriting for short memory fails in the second step."""
    settings = config.get_config("ti").model.to_dict()
    settings |= {"ladder": {"num": 2}, **changes}
    spec = zoo.DataSpec("image", shape)
    model: Any = zoo.build(settings.pop("name"), data=spec, **settings)
    model.compile("adam")
    # Of a batch whose size is known, the memory is.
    images = iter(tf.data.Dataset.from_tensors(tf.zeros([75, *shape])).repeat())
    model.make_train_function()
    for _ in range(2):
        assert np.isfinite(model.train_function(images)["loss"])
