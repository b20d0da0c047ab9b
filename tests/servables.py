"""Small servables whose answers are known, for the tests of the export."""

import keras
import numpy as np
import tensorflow as tf

from zoo import rowwise


def _function(function, **specs):
    """Wraps a function of the named specs for export."""
    signature = [tf.TensorSpec(v.shape, v.dtype, k) for k, v in specs.items()]
    return tf.function(function, input_signature=signature, autograph=False)


def signature(function, **examples):
    """What a model of the zoo would declare of a function for export.

    Args:
        function: a tf.function of named specs.
        **examples: by input, rows that are repeated.
    """
    inputs = {spec.name: spec for spec in function.input_signature}

    def made(number, samples=None):
        del samples
        return {
            name: np.resize(
                np.asarray(
                    examples.get(name, np.linspace(0.25, 1, 97)),
                    spec.dtype.as_numpy_dtype,
                ),
                (number, *spec.shape[1:]),
            )
            for name, spec in inputs.items()
        }

    return rowwise.Signature(function, inputs, made)


def _rows(*shape, dtype=tf.float32):
    return tf.TensorSpec([None, *shape], dtype)


class TinyGenerator(keras.Model):
    """Images [B, 4, 4, 1] from row seeds, through one dense layer."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(16)
        self.dense.build((None, 8))
        kernel = np.random.default_rng(0).normal(size=(8, 16))
        self.dense.set_weights([kernel, np.zeros(16)])
        # Never read by a serving function, so never exported.
        self.unused = self.add_weight(shape=(1000,), trainable=False)

    def _noise(self, seed):
        """Pseudo-random numbers [B, 8] that a row's own seed decides."""
        row = tf.cast(seed, tf.float32)
        phase = row[:, :1] * 12.9898 + row[:, 1:] * 78.233
        return tf.sin(phase + tf.range(8.0) * 3.7)

    def serving_functions(self):
        """Returns generate, generate_with and decode."""

        def decode(z):
            return {"x": tf.reshape(tf.sigmoid(self.dense(z)), [-1, 4, 4, 1])}

        def generate(seed):
            return {"samples": decode(self._noise(seed))["x"]}

        def generate_with(seed, temperature):
            z = self._noise(seed) * tf.sqrt(temperature)[:, None]
            return {"samples": decode(z)["x"]}

        seed = _rows(2, dtype=tf.int32)
        functions = {
            "generate": _function(generate, seed=seed),
            "generate_with": _function(
                generate_with, seed=seed, temperature=_rows()
            ),
            "decode": _function(decode, z=_rows(8)),
        }
        return {
            name: signature(function, seed=np.arange(97))
            for name, function in functions.items()
        }


class Arithmetic(tf.Module):
    """third_plus_one: y = x / 3 + 1, and signatures that show the rules."""

    def __init__(self):
        super().__init__()
        self.third = tf.Variable(tf.constant(3.0))
        self.functions = {
            "serving_default": _function(
                lambda x: {"y": x / self.third + 1.0}, x=_rows()
            ),
            "pair": _function(
                lambda a, b: {"sum": a + b, "difference": a - b},
                a=_rows(),
                b=_rows(),
            ),
            "count": _function(
                lambda n: {"next": n + 1}, n=_rows(dtype=tf.int32)
            ),
            "long": _function(
                lambda n: {"next": n + 1}, n=_rows(dtype=tf.int64)
            ),
            "negate": _function(
                lambda flag: {"flag": tf.logical_not(flag)},
                flag=_rows(dtype=tf.bool),
            ),
            "echo": _function(
                lambda text: {"text": text, "text_bytes": text},
                text=_rows(dtype=tf.string),
            ),
            "square": _function(lambda x: {"y": x * x}, x=_rows(2, 2)),
            "halved": _function(
                lambda x: {"y": tf.cast(x, tf.float32)},
                x=_rows(dtype=tf.float16),
            ),
            "total": _function(
                lambda x: {"total": tf.reduce_sum(x)}, x=_rows()
            ),
            "two_sizes": _function(
                lambda x: {"all": x, "first": x[:1]}, x=_rows()
            ),
            "refuse": _function(self._refuse, x=_rows()),
            "slow": _function(self._slow, x=_rows()),
        }

    @staticmethod
    def _refuse(x):
        check = tf.debugging.assert_positive(x, "x must be positive")
        with tf.control_dependencies([check]):
            return {"y": tf.identity(x)}

    @staticmethod
    def _slow(x):
        def body(i, y):
            return i + 1, tf.sin(y)

        steps = tf.cast(tf.reduce_max(x) * 1e6, tf.int32)
        _, y = tf.while_loop(lambda i, _: i < steps, body, (0, x))
        return {"y": y}

    def save(self, path, third=3.0):
        """Writes the module as a SavedModel."""
        self.third.assign(third)
        tf.saved_model.save(self, str(path), self.functions)
