"""The mean squared error of reconstructions."""

from typing import Any, final

import tensorflow as tf

import sources
import zoo
from evaluators.contract import Evaluator
from zoo import arguments


@final
class Mse(Evaluator):
    """Mean over the test examples and over the numbers of each."""

    needs = zoo.Encoding
    kinds = tuple(zoo.KINDS)
    scores = ("test_mse",)

    def __init__(self, data: sources.Data, *, batch_size: int = 250) -> None:
        """Takes the data.

        Args:
            data: whose test examples are reconstructed.
            batch_size: examples of one pass.

        Raises:
            errors.InputError: batch_size is no whole number of at least 1.
        """
        name = "config.evals.mse.batch_size"
        self.batch_size = arguments.positive_int(name, batch_size)
        self.test = data.test

    def __call__(self, model: Any, seed: int) -> dict[str, float]:
        """Measures a model; of an ensemble, its mean reconstruction."""
        del seed
        total = 0.0
        for x in sources.eval_batches(self.test, self.batch_size):
            found = model.reconstruct(x)
            restored = found[0] if isinstance(found, tuple) else found
            axes = list(range(1, len(x.shape)))
            error = tf.reduce_mean(tf.square(restored - x), axes)
            total += float(tf.reduce_sum(tf.cast(error, tf.float64)))
        return {"test_mse": total / len(self.test)}
