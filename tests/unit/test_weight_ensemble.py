"""The stacked weights of an ensemble."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf

import layers


@pytest.fixture
def module(tmp_path):
    """A module of the user's, edited while its program runs."""
    path = tmp_path / "of_a_user.py"
    path.write_text("def first(weights):\n    return weights[0]\n")
    spec = importlib.util.spec_from_file_location("of_a_user", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Another function stands now where the first one stood.
    path.write_text("def other(weights):\n    return missing\n")
    return module


def test_an_edit_of_the_source_does_not_reach_a_running_program(module):
    ensemble = layers.WeightEnsemble([(2,)], 3)
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    ensemble.fill([tf.constant(values)])
    np.testing.assert_array_equal(
        ensemble.apply(module.first, tf.float32), values
    )
