"""Ladders of a model's own: nodes in a config, and those it measures."""

from typing import Any

import numpy as np
import pytest

import errors
import zoo
from samplers import ladders
from zoo import latent_tempering


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
        **changes,
    )


def _images():
    rng = np.random.default_rng(0)
    return rng.uniform(size=(6, 8, 8, 1)).astype(np.float32)


def test_nodes_in_a_config_are_the_ladder():
    settings = {"name": "power_law", "num": 10, "nodes": (0.0, 0.25, 1.0)}
    found = latent_tempering.ladder_of(settings)
    np.testing.assert_array_equal(found, [0.0, 0.25, 1.0])
    with pytest.raises(errors.InputError, match=r"starts at t=0\.5"):
        latent_tempering.ladder_of({"nodes": (0.5, 1.0)})


def test_a_measured_ladder_is_one_for_models_and_estimates():
    model = _build()
    with pytest.raises(errors.InputError, match="fit_prior"):
        model.measured_ladder(_images())
    model.fit_prior(_images())
    for name in ("equalised", "fixed_variance"):
        found = model.measured_ladder(_images(), name, num=4)
        again = model.measured_ladder(_images(), name, num=4)
        np.testing.assert_array_equal(found, again)
        assert found.shape == ladders.check(found).shape == (4,)
        # They are not where it started.
        assert np.abs(found - ladders.power_law(4, 3.0)).max() > 0.01
    value, error = model.log_evidence(_images(), ladder=found, num_steps=4)
    assert np.all(np.isfinite(value)) and np.all(error > 0)
    _build(estimator="ti", ladder=found)
    for wrong, message in (
        ({"name": "even"}, "choose one of equalised, fixed_variance"),
        ({"num": 1}, "2 or more"),
        ({"seed": -1}, "seed=-1"),
    ):
        with pytest.raises(errors.InputError, match=message):
            model.measured_ladder(_images(), **wrong)
