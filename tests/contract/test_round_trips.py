"""A model comes back from each of its files as it was."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo
from tests import table


def test_every_registered_model_is_in_the_table():
    assert {row.model["name"] for row in table.ROWS} == set(zoo.names())


@table.every_row
def test_keras_file(row, tmp_path):
    path = tmp_path / "model.keras"
    row.trained.save(path)
    loaded: Any = keras.models.load_model(path)
    assert type(loaded) is type(row.trained)
    assert loaded.get_config() == row.trained.get_config()
    table.assert_equal_weights(row.trained, loaded)
    np.testing.assert_array_equal(
        loaded.generate(3, seed=2), row.trained.generate(3, seed=2)
    )


@table.every_row
def test_weights_file(row, tmp_path):
    path = tmp_path / "model.weights.h5"
    row.trained.save_weights(path)
    other = row.build(seed=1)
    other.load_weights(path)
    table.assert_equal_weights(row.trained, other)


@table.every_row
def test_checkpoint(row, tmp_path):
    """Checkpoints lose variables that stand in a list alone."""
    path = tf.train.Checkpoint(model=row.trained).write(str(tmp_path / "c"))
    other = row.build(seed=1)
    tf.train.Checkpoint(model=other).read(path).expect_partial()
    table.assert_equal_weights(row.trained, other)


@table.every_row
def test_the_compiled_optimizers_come_back(row, tmp_path):
    model = row.build()
    model.compile(keras.optimizers.Adam(3e-3, beta_1=0.5))
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    assert set(loaded.optimizers) == set(model.players)
    for player, optimizer in loaded.optimizers.items():
        assert optimizer.beta_1 == 0.5
        slots = [v for v in optimizer.variables if len(v.shape)]
        moved = loaded.variables_of(player)
        assert len(slots) == 2 * len(moved) > 0


@table.every_row
def test_config_is_the_arguments_of_the_constructor(row):
    config = row.trained.get_config()
    known = zoo.parameters(row.model["name"])
    assert set(config) == {*known, "data", "seed", "name"}
    again = type(row.trained).from_config(config)
    assert again.get_config() == config
    for key in known:
        assert getattr(again, key) is not None or config[key] is None


@table.every_row
def test_defaults_build_the_model(row):
    """Every argument has a type that a config can hold."""
    name = row.model["name"]
    for key, one in zoo.parameters(name).items():
        if isinstance(one, dict):
            continue
        assert one.type in (int, float, bool, str, tuple), key
        assert one.default is None or isinstance(one.default, one.type), key
    assert np.ndim(row.build().draw_count) == 0
