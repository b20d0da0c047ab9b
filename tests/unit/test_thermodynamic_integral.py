"""The thermodynamic integral: options, shapes, graphs and mistakes."""

import numpy as np
import pytest
import tensorflow as tf

import errors
import losses
from samplers import ladders, seeds
from tests import linear_gaussian

MODEL = linear_gaussian.model()
LADDER = ladders.power_law(11, 3.0)


def test_pooled_fit_and_blocks():
    """One Gaussian for all; and draws of one chain counted as one."""
    z, values = MODEL.ladder_draws(LADDER, 50, 20)
    pooled = losses.thermodynamic_integral(
        LADDER, values, z, rule="trapezoid", covariance="full", pooled=True
    )
    merged = z.reshape([11, 1000, 1, -1])
    each = losses.thermodynamic_integral(
        LADDER,
        values.reshape([11, 1000, 1]),
        merged,
        rule="trapezoid",
        covariance="full",
    )
    np.testing.assert_allclose(
        pooled.kl_correction, np.full(20, each.kl_correction[0]), rtol=1e-9
    )
    # Every draw four times: a quarter of them is new.
    copied = np.repeat(values, 4, 1)
    right = losses.thermodynamic_integral(LADDER, copied, block=4)
    naive = losses.thermodynamic_integral(LADDER, copied)
    truth = losses.thermodynamic_integral(LADDER, values)
    np.testing.assert_allclose(
        right.standard_error, truth.standard_error, rtol=0.05
    )
    assert np.all(naive.standard_error < 0.6 * truth.standard_error)


def test_one_draw_in_single_precision():
    _, values = MODEL.ladder_draws(LADDER, 1, 4)
    result = losses.thermodynamic_integral(
        LADDER, tf.cast(values, tf.float32), rule="trapezoid"
    )
    assert result.log_evidence.dtype == tf.float32
    weights = losses.trapezoid_weights(LADDER)
    np.testing.assert_allclose(
        result.trapezoid, weights.numpy() @ values[:, 0], rtol=1e-5
    )
    assert np.all(np.isnan(result.standard_error))
    assert np.all(result.variance_correction == 0)


def test_in_a_graph_with_a_ladder_and_batch_known_later():
    z, values = MODEL.ladder_draws(LADDER, 6, 4)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float64),
            tf.TensorSpec([None, 6, None], tf.float64),
            tf.TensorSpec([None, 6, None, 8], tf.float64),
        ]
    )
    def inside(LADDER, values, z):
        return losses.thermodynamic_integral(
            LADDER, values, z, rule="trapezoid", kl_weight=0.5, pooled=True
        )

    outside = losses.thermodynamic_integral(
        LADDER, values, z, rule="trapezoid", kl_weight=0.5, pooled=True
    )
    for a, b in zip(inside(LADDER, values, z), outside, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    with seeds.xla(True):
        compiled = tf.function(
            lambda v, z: losses.thermodynamic_integral(
                LADDER, v, z, rule="trapezoid", kl_weight=0.5
            ),
            jit_compile=True,
        )
    each = losses.thermodynamic_integral(
        LADDER, values, z, rule="trapezoid", kl_weight=0.5
    )
    for a, b in zip(compiled(values, z), each, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def _mistaken(draws=4, **options):
    z, values = MODEL.ladder_draws(LADDER, draws, 2)
    samples = z if options.pop("with_samples", False) else None
    options = {"rule": "trapezoid", **options}
    losses.thermodynamic_integral(LADDER, values, samples, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "simpson"}, "rule 'simpson' is unknown"),
        ({"kl_weight": -1.0}, "kl_weight=-1.0 is negative"),
        ({"kl_weight": 1.0}, "without samples"),
        (
            {"kl_weight": 1.0, "rule": "corrected", "with_samples": True},
            "twice",
        ),
        ({"rule": "corrected", "draws": 1}, "one draw has none"),
        ({"with_samples": True, "covariance": "any"}, "'any' is unknown"),
        ({"with_samples": True, "covariance": "full"}, "keep 9 or more"),
        ({"with_samples": True, "draws": 1}, "1 draws are too few"),
        ({"block": 3}, "block=3 does not divide 4"),
        ({"block": 0}, "block=0 does not divide 4"),
    ],
)
def test_a_mistake_is_one_line(options, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        _mistaken(**options)
    assert "\n" not in str(caught.value)


def test_shapes_that_do_not_fit_are_one_line():
    z, values = MODEL.ladder_draws(LADDER, 4, 2)
    with pytest.raises(errors.InputError, match="one row a node"):
        losses.thermodynamic_integral(LADDER[[0, -1]], values)
    with pytest.raises(errors.InputError, match="not \\[N_t, draws, B\\]"):
        losses.summed_divergence(LADDER, values[:, 0])
    with pytest.raises(errors.InputError, match="samples of shape"):
        losses.thermodynamic_integral(LADDER, values, z[..., 0])
    with pytest.raises(errors.InputError, match="starts at t"):
        losses.trapezoid_weights([0.5, 1.0])
    with pytest.raises(errors.InputError, match="no covariance"):
        losses.thermodynamic_surrogate(LADDER, values[:, :1], rule="trapezoid")
