"""What the contract table does not ask of the entropic autoencoder."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo

SHAPE = (4, 4, 1)


def entropic(block: int, **changes) -> Any:
    model: Any = zoo.build(
        "entropic_autoencoder",
        image_shape=SHAPE,
        latent_dim=2,
        hidden_units=[8],
        temperature=1e-6,
        encoder_steps=8,
        **{"bank_size": 16, "members": 2, "member_interval": 3, **changes},
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.uniform(size=(16, 4, *SHAPE)), tf.float32)
    step = tf.function(model.train_step, autograph=False)
    for start in range(0, 16, block):
        step(images[start : start + block] if block > 1 else images[start])
    return model


@pytest.mark.parametrize("thermostat", ["global", "per_tensor", "massive"])
@pytest.mark.parametrize("block", [1, 2, 4])
def test_the_length_of_a_block_does_not_matter(block, thermostat):
    options = {"thermostat": thermostat, "friction": 0.02}
    whole, parts = entropic(8, **options), entropic(block, **options)
    assert int(parts.updates.count.value) == 2
    for one, other in zip(whole.variables, parts.variables, strict=True):
        np.testing.assert_allclose(
            np.asarray(one), np.asarray(other), rtol=1e-4, atol=1e-6
        )


def test_the_chain_of_every_thermostat_is_written_back():
    for thermostat in ("global", "per_tensor", "massive"):
        model = entropic(8, thermostat=thermostat)
        chain = model.chain
        velocity = np.concatenate([np.ravel(w) for w in chain.velocity])
        kinetic = np.sum(np.asarray(chain.kinetic_energy))
        np.testing.assert_allclose(kinetic, np.sum(velocity**2) / 2, rtol=1e-3)
        moved = chain.eta_velocity
        moved = moved if isinstance(moved, list) else [moved]
        assert all(np.abs(np.asarray(w)).max() > 0 for w in moved)


def test_the_chain_has_the_papers_length_unless_it_is_massive():
    arguments = {"image_shape": SHAPE, "latent_dim": 2, "hidden_units": [3]}
    for thermostat, length in (("global", 30), ("massive", 2)):
        model: Any = zoo.build(
            "entropic_autoencoder", thermostat=thermostat, **arguments
        )
        assert model.get_config()["chain_length"] == length
        assert model.get_config()["thermostat"] == thermostat


def test_a_block_must_divide_the_encoder_steps():
    with pytest.raises(errors.InputError, match="does not divide"):
        entropic(3)


def test_collecting_does_not_disturb_training():
    model = entropic(4)
    before = [np.asarray(w) for w in model.chain.variables]
    before += [np.asarray(w) for w in model.encoder.variables]
    model.fit_prior(np.zeros([9, *SHAPE], np.uint8))
    after = [np.asarray(w) for w in model.chain.variables]
    after += [np.asarray(w) for w in model.encoder.variables]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_ensemble_scales_whole_grey_values_too():
    model = entropic(8)
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 256, (9, *SHAPE), np.uint8)
    model.fit_prior(whole)
    scaled = whole.astype(np.float32) / np.float32(255)
    for call in (model.encode, model.reconstruct):
        np.testing.assert_array_equal(call(whole), call(scaled))


def test_fewer_members_may_be_collected():
    model = entropic(8, members=3)
    images = np.random.default_rng(0).uniform(size=(9, *SHAPE))
    images = images.astype(np.float32)
    assert model.collect_ensemble(images).shape == (3,)
    whole = np.asarray(model.encode(images))
    mean, _ = model.reconstruct(images)
    assert model.collect_ensemble(images, members=2).shape == (2,)
    # The chain starts anew: its first members are the same.
    assert model.encode(images).shape == (9, 2, 2)
    np.testing.assert_array_equal(model.encode(images), whole[:, :2])
    fewer, _ = model.reconstruct(images)
    assert np.abs(fewer - mean).max() > 0
    each = [model.decode(whole[:, index]) for index in range(2)]
    np.testing.assert_allclose(fewer, np.mean(each, 0), atol=1e-6)
    assert [w.shape[0] for w in model.ensemble.stacked] == [3, 3, 3, 3]
    model.collect_ensemble(images, 1, 5)
    _, spread = model.reconstruct(images)
    np.testing.assert_array_equal(spread, np.zeros_like(spread))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (3, "members=3 is more than the 2 that the model holds"),
        (0, "members=0 must be"),
        (1.5, "members=1.5 must be"),
    ],
)
def test_members_that_do_not_fit_are_refused(members, message):
    with pytest.raises(errors.InputError, match=message):
        entropic(8).collect_ensemble(np.zeros((4, *SHAPE)), members)


def test_encoding_before_collecting_says_what_to_call():
    model = entropic(8)
    images = tf.zeros([2, *SHAPE])
    for call in (model.encode, model.reconstruct):
        with pytest.raises(errors.InputError, match="fit_prior"):
            call(images)


def test_more_than_one_replica_is_refused():
    model = entropic(8)

    class TwoReplicas:
        num_replicas_in_sync = 2

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.distribute, "get_strategy", TwoReplicas)
        with pytest.raises(errors.InputError, match="2 replicas"):
            model.train_step(tf.zeros([8, 4, *SHAPE]))
