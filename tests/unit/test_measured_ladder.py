"""Ladders of a model's own: nodes in a config, and those it measures."""

import numpy as np
import pytest

import errors
from samplers import ladders
from tests.small_latent import IMAGES, build
from zoo.latent_prior import tempering


def test_nodes_in_a_config_are_the_ladder():
    options = {"name": "power_law", "num": 10, "nodes": (0.0, 0.25, 1.0)}
    found = tempering.nodes_of(options)
    np.testing.assert_array_equal(found, [0.0, 0.25, 1.0])
    with pytest.raises(errors.InputError, match=r"starts at t=0\.5"):
        tempering.nodes_of({"nodes": (0.5, 1.0)})


def test_a_measured_ladder_is_one_for_models_and_estimates():
    model = build()
    model.prepare(IMAGES)
    # tests/truth/test_batched_evidence.py measures the other kind.
    found = model.measured_ladder(IMAGES, "equalised", num=4)
    assert found.shape == ladders.check(found).shape == (4,)
    # It is not where it started.
    assert np.abs(found - ladders.power_law(4, 3.0)).max() > 0.01
    value, error = model.log_evidence(IMAGES, ladder=found, num_steps=4)
    assert np.all(np.isfinite(value)) and np.all(error > 0)
    build(estimator="ti", ladder=found)
