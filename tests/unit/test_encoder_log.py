"""The state of the thermostat, as the entropic autoencoder reports it."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo
from zoo.entropic import report


def build() -> Any:
    model: Any = zoo.build(
        "entropic_autoencoder",
        data=zoo.DataSpec("image", (4, 4, 1)),
        latent_dim=2,
        hidden_units=[8],
        temperature=1e-6,
        encoder_steps=2,
        members=2,
        member_interval=1,
        bank_size=4,
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    return model


def images(steps: int) -> tf.data.Dataset:
    rng = np.random.default_rng(0)
    numbers = rng.uniform(size=(2 * steps, 3, 4, 4, 1)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices(numbers)
    return data.batch(2, drop_remainder=True)


def test_the_mean_comes_before_the_extremes():
    tracker = report.TensorRange(2, "ratio")
    assert {k: float(v) for k, v in tracker.result().items()} == {
        "ratio_min": 0.0,
        "ratio_max": 0.0,
    }
    tracker.update_state(tf.constant([1.0, 4.0]))
    tracker.update_state(tf.constant([3.0, 0.0]))
    tracker.update_state(tf.constant([2.0, 5.0]))
    found = {k: float(v) for k, v in tracker.result().items()}
    assert found == {"ratio_min": 2.0, "ratio_max": 3.0}


def test_fit_shows_the_worst_tensors():
    model = build()
    history = model.fit(images(4), epochs=2, shuffle=False, verbose=0).history
    low, whole, high = (
        np.array(history[name])
        for name in ("kinetic_ratio_min", "kinetic_ratio", "kinetic_ratio_max")
    )
    assert np.all((low > 0) & (low < whole) & (whole < high))
    report = model.evaluate(images(1), verbose=0, return_dict=True)
    assert set(report) == {"loss", "mse"}
