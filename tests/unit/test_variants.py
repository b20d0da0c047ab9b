"""Variants of the models that the table has no row for.

What a row of the table shows of a model, a cut run shows here of a variant:
that all of its state stands in its checkpoint, and that nothing else does.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import table

_IMAGE = zoo.DataSpec("image", (8, 8, 1), 24)
_WIDE = zoo.DataSpec("image", (16, 32, 3), 24)
_SIZES = {"latent_dim": 3, "hidden_units": (16,)}
_ENTROPIC = {
    **_SIZES,
    "bank_size": 32,
    "encoder_steps": 4,
    "members": 2,
    "member_interval": 3,
    "batch_size": 4,
    "temperature": 1e-7,
}
_LATENT = {
    "latent_dim": 3,
    "energy_units": (8,),
    "filters": 1,
    "prior_steps": 3,
    "posterior_steps": 4,
}
VARIANTS = {
    "ae_conv": (
        "autoencoder",
        _WIDE,
        {
            "latent_dim": 3,
            "body": "conv",
            "reconstruction_loss": "bernoulli",
            "bank_size": 32,
        },
    ),
    "vae_conv": (
        "variational_autoencoder",
        _WIDE,
        {"latent_dim": 3, "body": "conv", "likelihood": "gaussian"},
    ),
    "eae_split": (
        "entropic_autoencoder",
        _IMAGE,
        {
            **_ENTROPIC,
            "chain_length": 4,
            "batches_per_step": 2,
            "redraw_every": 3,
            "temperature_schedule": {
                "name": "exponential",
                "final": 1e-8,
                "updates": 5,
            },
        },
    ),
    "eae_massive": (
        "entropic_autoencoder",
        _IMAGE,
        {**_ENTROPIC, "thermostat": "massive", "friction": 0.01},
    ),
    "eae_per_tensor": (
        "entropic_autoencoder",
        _IMAGE,
        {**_ENTROPIC, "thermostat": "per_tensor", "batches_per_step": 2},
    ),
    "lebm_conv": (
        "latent_energy_prior",
        _IMAGE,
        {**_LATENT, "dynamics": "baoab"},
    ),
    "lebm_ti": (
        "latent_energy_prior",
        _IMAGE,
        {**_LATENT, "estimator": "ti", "ladder": {"num": 3}, "draws": 2},
    ),
    "lebm_persistent": (
        "latent_energy_prior",
        _IMAGE,
        {**_LATENT, "persistent": True},
    ),
}


def _build(label, seed=0):
    name, spec, arguments = VARIANTS[label]
    model = zoo.build(name, data=spec, seed=seed, **arguments)
    model.compile(keras.optimizers.Adam(3e-3))
    return model


def _batches(model, number):
    rows = model.data.examples(model.data.num_examples)
    batches = []
    for step in range(number):
        size = 4 * model.batches_per_step
        index = (step * size + np.arange(size)) % len(rows)
        shape = (-1, 4) if model.batches_per_step > 1 else (4,)
        columns = {"x": rows[index], "index": index}
        parts = [
            tf.constant(columns[c].reshape(*shape, *columns[c].shape[1:]))
            for c in model.columns
        ]
        batches.append(parts[0] if len(parts) == 1 else tuple(parts))
    return batches


def _train(model, batches):
    step = tf.function(model.train_step, autograph=False)
    for batch in batches:
        step(batch)


def _checkpoint(model):
    optimizers = {f"optimizer_{k}": v for k, v in model.optimizers.items()}
    return tf.train.Checkpoint(model=model, **optimizers)


@pytest.fixture(scope="module", params=VARIANTS)
def runs(request, tmp_path_factory):
    """A model of six steps, one resumed in their middle, and that middle."""
    whole, resumed = _build(request.param), _build(request.param)
    batches = _batches(whole, 6)
    _train(whole, batches[:3])
    path = str(tmp_path_factory.mktemp("middle") / "checkpoint")
    _checkpoint(whole).write(path)
    middle = table.weights_of(whole)
    _train(whole, batches[3:])
    status = _checkpoint(resumed).read(path)
    status.assert_existing_objects_matched().expect_partial()
    _train(resumed, batches[3:])
    return request.param, whole, resumed, middle


def test_three_steps_and_three_more_equal_six(runs):
    _, whole, resumed, middle = runs
    table.assert_equal_weights(whole, resumed)
    # Negative control: three steps alone are another model.
    assert any(
        one.tobytes() != other.tobytes()
        for one, other in zip(middle, table.weights_of(whole), strict=True)
    )


def test_a_prepared_model_generates_and_comes_back(runs, tmp_path):
    label, _, model, _ = runs
    rows = model.data.examples(model.data.num_examples)
    model.prepare(rows)
    samples = np.asarray(model.generate(3, seed=1))
    model.data.as_rows(samples)
    model.save_weights(tmp_path / "model.weights.h5")
    other = _build(label, seed=1)
    other.load_weights(tmp_path / "model.weights.h5")
    table.assert_equal_weights(model, other)
    np.testing.assert_allclose(other.generate(3, seed=1), samples, atol=1e-6)
    # What it serves has a batch axis everywhere, in graph mode.
    for name, signature in model.serving_functions().items():
        if name == "log_evidence":
            # The longest graph: the table's row shows it.
            continue
        concrete = signature.function.get_concrete_function()
        assert not concrete.function_def.attr["_XlaMustCompile"].b
        for spec in concrete.structured_outputs.values():
            assert spec.shape.rank >= 1 and spec.shape[0] is None


@pytest.mark.parametrize("label", ["eae_split", "eae_massive", "lebm_conv"])
def test_a_variant_trains_under_xla(label):
    name, spec, arguments = VARIANTS[label]
    model = zoo.build(name, data=spec, **arguments)
    model.compile(keras.optimizers.Adam(3e-3), jit_compile=True)
    batch = tf.data.Dataset.from_tensors(_batches(model, 1)[0])
    history = model.fit(
        batch.repeat(), steps_per_epoch=3, shuffle=False, verbose=0
    ).history
    assert np.isfinite(history["loss"]).all()
