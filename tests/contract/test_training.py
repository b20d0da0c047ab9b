"""What training does in every model, by plain arrays and by batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo
from tests import processes, table


@table.every_row
def test_the_loss_is_reported_and_falls(row):
    lines = processes.lines(row.workdir / "metrics.jsonl")
    assert [line["step"] for line in lines] == [table.STEPS // 2, table.STEPS]
    for line in lines:
        assert {"loss", "val_loss"} <= set(line)
        assert all(np.isfinite(value) for value in line.values())
        if isinstance(row.trained, zoo.Encoding):
            assert {"mse", "val_mse"} <= set(line)
    model = row.build()
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(
        row.batches(model),
        steps_per_epoch=30,
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]


@table.every_row
def test_fit_takes_plain_arrays(row):
    model = row.build()
    model.compile()
    columns = {
        "x": row.source.train,
        "index": np.arange(len(row.source.train)),
        "label": row.source.train_labels,
    }
    arrays = [columns[name][:24] for name in model.columns]
    history = model.fit(*arrays, batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"][0])


@table.rows_with(zoo.Encoding)
def test_whole_numbers_and_floats_are_the_same_images(row):
    """uint8 is scaled at every door."""
    if row.source.test.dtype != np.uint8:
        pytest.skip("data that are no whole numbers")
    ours = row.trained
    if not ours.optimizers:
        ours.compile()
    whole = row.source.test[:8]
    for call in (ours.encode, lambda x: ours.evaluate(x, verbose=0)):
        first = tf.nest.flatten(call(whole))
        other = tf.nest.flatten(call(row.x[:8]))
        for one, two in zip(first, other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


@table.every_row
def test_another_shape_is_refused_at_every_door(row):
    shape = row.source.spec.shape
    other = np.zeros((4, *shape[:-1], shape[-1] + 2), np.float32)
    batches = tf.data.Dataset.from_tensors(other)
    model = row.build()
    model.compile()
    doors = [
        lambda: model.prepare(other),
        lambda: model.fit(other, verbose=0),
        lambda: model.fit(batches, verbose=0),
        lambda: model.fit(row.x, validation_data=(other,), verbose=0),
        lambda: model.evaluate(other, verbose=0),
        lambda: model.predict(other, verbose=0),
    ]
    if isinstance(model, zoo.Encoding):
        doors += [lambda: model.encode(other), lambda: model.reconstruct(other)]
    # Nothing to prepare is no door.
    if type(model).prepare is zoo.Model.prepare:
        doors = doors[1:]
    for door in doors:
        with pytest.raises(errors.InputError, match="do not fit the") as caught:
            door()
        assert "\n" not in str(caught.value)


@table.rows_with(zoo.Encoding)
def test_values_out_of_range_are_refused(row):
    if row.source.spec.kind != "image":
        pytest.skip("any number is in range")
    with pytest.raises(errors.InputError, match="do not lie from 0 to 1"):
        row.trained.encode(255.0 * row.x[:4])


@table.every_row
def test_optimizers_are_those_of_the_players(row):
    model = row.build()
    with pytest.raises(errors.InputError, match="has no player") as caught:
        model.compile({"nobody": "adam"})
    assert "\n" not in str(caught.value)
    with pytest.raises(errors.InputError, match="has no optimizer"):
        model.compile({})
    model.compile("sgd")
    moved = [v for player in model.players for v in model.variables_of(player)]
    assert {id(v) for v in moved} == {id(v) for v in model.trainable_variables}


def test_a_kind_of_data_that_a_model_does_not_take_is_refused():
    spec = zoo.DataSpec("spins", (4, 4))
    for name in zoo.names():
        with pytest.raises(errors.InputError, match="does not take spins"):
            zoo.build(name, data=spec)
