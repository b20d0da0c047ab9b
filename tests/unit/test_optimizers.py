"""Optimizers of a run: names, options, and how rates fall."""

import keras
import numpy as np
import pytest

import errors
from training import optimizers


def test_rates_fall_in_steps_to_a_floor():
    """An epoch of 3 steps, 0.5 an epoch, from 1 down to 0.2."""
    rate = optimizers.StepwiseDecay(1.0, 0.5, 3, 0.2)
    found = [float(rate(step)) for step in range(12)]
    np.testing.assert_allclose(
        found, [1] * 3 + [0.5] * 3 + [0.25] * 3 + [0.2] * 3
    )


def test_the_rate_is_that_of_the_optimizers_own_step():
    optimizer = optimizers.build(
        "sgd", 1.0, decay_rate=0.5, decay_steps=1, final_rate=0.2
    )
    weight = keras.Variable(0.0)
    moves = []
    for _ in range(4):
        before = float(weight)
        optimizer.apply([np.float32(1.0)], [weight])
        moves.append(before - float(weight))
    np.testing.assert_allclose(moves, [1.0, 0.5, 0.25, 0.2], rtol=1e-5)


def test_a_schedule_survives_keras():
    rate = optimizers.StepwiseDecay(1.0, 0.5, 3, 0.2)
    saved = keras.saving.serialize_keras_object(rate)
    again = keras.saving.deserialize_keras_object(saved)
    assert again.get_config() == rate.get_config()


def test_options_reach_the_optimizer():
    adam = optimizers.build("adam", 1e-3, beta_1=0.5)
    assert adam.beta_1 == 0.5
    assert float(adam.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("adm", {}, "config.prior_optimizer.name='adm' is unknown"),
        ("sgd", {"beta_1": 0.5}, "config.prior_optimizer.beta_1=0.5"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(name, options, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        optimizers.build(name, 1e-3, **options, section="prior_optimizer")
    assert "\n" not in str(caught.value)
