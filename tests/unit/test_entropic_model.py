"""What the contract table does not ask of the entropic autoencoder."""

import functools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo
from zoo.entropic import schedules

SHAPE = (4, 4, 1)
SMALL = {
    "data": zoo.DataSpec("image", SHAPE),
    "latent_dim": 2,
    "hidden_units": [8],
    "temperature": 1e-6,
    "encoder_steps": 8,
    "bank_size": 16,
    "members": 3,
    "member_interval": 3,
}


def build(**changes) -> Any:
    return zoo.build("entropic_autoencoder", **{**SMALL, **changes})


def images(*numbers: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(size=(*numbers, *SHAPE)).astype(np.float32)


def entropic(block: int, **changes) -> Any:
    """A model after two updates of its decoder."""
    model = build(**changes)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    data = tf.constant(images(16, 4))
    step = tf.function(model.train_step, autograph=False)
    for start in range(0, 16, block):
        step(data[start : start + block] if block > 1 else data[start])
    return model


@functools.cache
def trained(thermostat: str = "global") -> Any:
    """Shared by the tests: its ensemble may be collected, not trained on."""
    return entropic(8, thermostat=thermostat, friction=0.02)


@pytest.mark.parametrize(
    ("thermostat", "block"),
    [("global", 1), ("global", 4), ("per_tensor", 2), ("massive", 2)],
)
def test_the_length_of_a_block_does_not_matter(block, thermostat):
    parts = entropic(block, thermostat=thermostat, friction=0.02)
    assert int(parts.updates.count.value) == 2
    # Other tests fill the ensemble of the shared model.
    for part in ("encoder", "decoder", "chain", "updates"):
        pairs = zip(
            getattr(parts, part).variables,
            getattr(trained(thermostat), part).variables,
            strict=True,
        )
        for one, other in pairs:
            np.testing.assert_allclose(
                np.asarray(one), np.asarray(other), rtol=1e-4, atol=1e-6
            )


@pytest.mark.parametrize("thermostat", ["global", "per_tensor", "massive"])
def test_the_chain_of_every_thermostat_is_written_back(thermostat):
    chain = trained(thermostat).chain
    velocity = np.concatenate([np.ravel(w) for w in chain.velocity])
    kinetic = np.sum(np.asarray(chain.kinetic_energy))
    np.testing.assert_allclose(kinetic, np.sum(velocity**2) / 2, rtol=1e-3)
    moved = chain.eta_velocity
    moved = moved if isinstance(moved, list) else [moved]
    assert all(np.abs(np.asarray(w)).max() > 0 for w in moved)


def test_the_chain_has_the_papers_length_unless_it_is_massive():
    for thermostat, length in (("global", 30), ("massive", 2)):
        assert build(thermostat=thermostat).chain_length == length


@pytest.mark.parametrize(
    ("encoder_steps", "given", "found"),
    [
        (312, None, 312),
        (100, None, 100),
        (3126, None, 521),
        (1009, None, 1),
        (3126, 6, 6),
    ],
)
def test_a_train_step_takes_a_divisor_of_the_encoder_steps(
    encoder_steps, given, found
):
    model = build(encoder_steps=encoder_steps, batches_per_step=given)
    assert model.batches_per_step == found
    again = type(model).from_config(model.get_config())
    assert again.batches_per_step == found
    assert again.get_config() == model.get_config()


def test_a_block_must_divide_the_encoder_steps():
    with pytest.raises(errors.InputError, match="does not divide"):
        entropic(3)


def test_a_schedule_is_a_group_of_options():
    found = zoo.parameters("entropic_autoencoder")["temperature_schedule"]
    assert found["name"] == (str, "constant") and found["final"] == (
        float,
        None,
    )
    whole = {"name": "linear", "final": 1e-8, "updates": 5}
    for given in (whole, schedules.Schedule(**whole)):
        config = build(temperature_schedule=given).get_config()
        assert config["temperature_schedule"] == whole
    for given in (None, {}, {"name": "constant", "final": None}):
        config = build(temperature_schedule=given).get_config()
        assert config["temperature_schedule"]["name"] == "constant"


def schedule(name: str, **keys):
    checked = schedules.check({"name": name, **keys})
    fn = schedules.temperature(checked, 1.0)
    return [float(fn(tf.constant(update))) for update in (0, 5, 10, 20)]


def test_temperature_schedules():
    ramp = {"final": 0.01, "updates": 10}
    close = pytest.approx
    assert schedule("constant") == [1.0] * 4
    assert schedule("linear", **ramp) == close([1.0, 0.505, 0.01, 0.01])
    assert schedule("exponential", **ramp) == close([1.0, 0.1, 0.01, 0.01])
    cyclic = schedule("cyclic", final=0.01, updates=20)
    assert cyclic == close([1.0, 0.505, 0.01, 1.0])


def test_every_update_sets_the_temperature():
    ramp = {"name": "linear", "final": 3e-6, "updates": 4}
    model = entropic(8, temperature_schedule=ramp)
    assert float(model.updates.temperature.value) == pytest.approx(2e-6)


def test_collecting_does_not_disturb_training():
    model = trained()
    before = [np.asarray(w) for w in model.chain.variables]
    before += [np.asarray(w) for w in model.encoder.variables]
    model.prepare(np.zeros([9, *SHAPE], np.uint8))
    after = [np.asarray(w) for w in model.chain.variables]
    after += [np.asarray(w) for w in model.encoder.variables]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_ensemble_scales_whole_grey_values_too():
    model = trained()
    whole = np.random.default_rng(0).integers(0, 256, (9, *SHAPE), np.uint8)
    model.prepare(whole)
    scaled = whole.astype(np.float32) / np.float32(255)
    for call in (model.encode, model.reconstruct):
        np.testing.assert_array_equal(call(whole), call(scaled))


def test_the_bank_holds_codes_that_the_members_share_out():
    model, x = trained(), images(5)
    model.prepare(x, seed=3)
    codes = np.asarray(model.encode(model.choose(x, 16, 3)))
    # Three members, six codes each: there are but five images.
    wanted = np.concatenate(
        [np.roll(codes[:, k], -k * 6, axis=0) for k in range(3)]
    )
    assert int(model.bank.count.value) == 15
    np.testing.assert_allclose(model.bank.codes[:15], wanted, atol=1e-6)


def test_fewer_members_may_be_collected():
    model, x = trained(), images(9)
    assert model.collect_ensemble(x).shape == (3,)
    whole = np.asarray(model.encode(x))
    mean, _ = model.reconstruct(x)
    assert model.collect_ensemble(x, members=2).shape == (2,)
    # The chain starts anew: its first members are the same.
    assert model.encode(x).shape == (9, 2, 2)
    np.testing.assert_array_equal(model.encode(x), whole[:, :2])
    fewer, _ = model.reconstruct(x)
    assert np.abs(fewer - mean).max() > 0
    each = [model.decode(whole[:, index]) for index in range(2)]
    np.testing.assert_allclose(fewer, np.mean(each, 0), atol=1e-6)
    assert [w.shape[0] for w in model.ensemble.stacked] == [3, 3, 3, 3]
    model.collect_ensemble(x, 1, 5)
    _, spread = model.reconstruct(x)
    np.testing.assert_array_equal(spread, np.zeros_like(spread))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (4, "members=4 is more than the 3 that the model holds"),
        (0, "members=0 must be"),
        (1.5, "members=1.5 must be"),
    ],
)
def test_members_that_do_not_fit_are_refused(members, message):
    with pytest.raises(errors.InputError, match=message):
        trained().collect_ensemble(images(4), members)


def test_calls_before_prepare_say_what_to_call():
    model, x = build(), images(2)
    served = model.serving_functions()
    for call in (
        lambda: model.encode(x),
        lambda: model.reconstruct(x),
        lambda: model.interpolate(x, x, 0.5),
        lambda: model.generate(1),
        served["generate"].function.get_concrete_function,
        served["encode"].function.get_concrete_function,
    ):
        with pytest.raises(errors.InputError, match="call model") as caught:
            call()
        assert "model.prepare(x)" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_more_than_one_replica_is_refused():
    class TwoReplicas:
        num_replicas_in_sync = 2

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.distribute, "get_strategy", TwoReplicas)
        with pytest.raises(errors.InputError, match="2 replicas"):
            build().compile()
