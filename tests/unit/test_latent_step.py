"""One step of learning along all temperatures."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import zoo
from configs import lebm_celeba, lebm_mnist
from samplers import seeds
from zoo import latent_chains, latent_gradients, latent_step


def _build(**changes) -> Any:
    return zoo.build(
        "latent_energy_prior",
        image_shape=(8, 8, 1),
        latent_dim=3,
        body="dense",
        hidden_units=[8],
        energy_units=[8],
        prior_steps=5,
        posterior_steps=5,
        estimator="ti",
        ladder={"num": 4, "p": 3.0},
        rule="trapezoid",
        **changes,
    )


@tf.function(autograph=False)
def _step(model, x):
    return latent_step.step(
        model.pieces,
        model.settings,
        x,
        seeds.seed(0),
        model.tilt.trainable_variables,
        model.decoder.trainable_variables,
    )


@pytest.mark.parametrize("draws", [1, 3])
def test_the_trapezoid_while_the_chains_run_is_the_one_after(draws):
    x = tf.constant(2.0 * np.random.default_rng(0).random((6, 8, 8, 1)) - 1.0)
    x = tf.cast(x, tf.float32)
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
    chains = model.settings.integral.tempering
    first, seed = seeds.split(seeds.seed(0), 2)
    start = latent_chains.prior(
        model.pieces, model.settings.prior_chain, first, [6, 3]
    )
    found = chains.run(model.pieces, x, start, seed)
    codes, weights = latent_gradients.weighted_codes(
        *("trapezoid", chains.ladder),
        *(found.samples, found.log_likelihood, "trapezoid"),
    )
    after, _ = latent_gradients.of_generator(
        model.pieces, x, codes, weights, model.decoder.trainable_variables
    )
    for a, b, other in zip(
        ours.generator_gradients, after, plain.generator_gradients, strict=True
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
    name = settings.pop("name")
    model: Any = zoo.build(name, **settings, image_shape=shape)
    model.compile("adam", jit_compile=False)
    # Of a batch whose size is known, the memory is.
    images = iter(tf.data.Dataset.from_tensors(tf.zeros([75, *shape])).repeat())
    model.make_train_function()
    for _ in range(2):
        assert np.isfinite(model.train_function(images)["loss"])
