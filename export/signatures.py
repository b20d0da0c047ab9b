"""Which functions an export offers, and the rules TF-Serving puts on them.

TF-Serving merges the requests of different clients along the first axis, so
every input and output needs one; a signature that breaks a rule would load in
Python and fail on the server, which is why the rules are checked here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

import errors

DEFAULT = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
PREDICT = tf.saved_model.PREDICT_METHOD_NAME
# What TF-Serving's JSON can carry; it answers 501 to the others.
DTYPES = (tf.float32, tf.int32, tf.int64, tf.bool, tf.string)


def collect(model: Any) -> dict[str, Any]:
    """Returns the model's serving functions, and the default among them.

    Args:
      model: anything with `serving_functions() -> dict[str, tf.function]`
        whose functions have input signatures of named TensorSpecs.

    Returns:
      The functions by signature name; `serving_default` is `generate`.

    Raises:
      InputError: a rule of this module is broken.
    """
    functions = dict(model.serving_functions())
    if "generate" not in functions:
        raise errors.InputError(
            f"{type(model).__name__} offers {sorted(functions)}; a generative "
            "model must offer 'generate', the default signature"
        )
    for name, function in functions.items():
        _check_inputs(name, input_specs(function))
    return {**functions, DEFAULT: functions["generate"]}


def input_specs(function: Any) -> dict[str, tf.TensorSpec]:
    """Returns the named TensorSpecs of a tf.function's input signature."""
    return {spec.name: spec for spec in function.input_signature}


def example_inputs(
    specs: Mapping[str, tf.TensorSpec], rows: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Draws plausible inputs: floats in [0.25, 1), small whole numbers.

    Args:
      specs: input specs, [None, ...] each.
      rows: size of the leading axis.
      seed: of the NumPy generator.

    Returns:
      Arrays [rows, ...] by input name.
    """
    generator = np.random.default_rng(seed)
    inputs = {}
    for name, spec in sorted(specs.items()):
        shape = [rows, *spec.shape[1:]]
        dtype = tf.as_dtype(spec.dtype)
        if dtype == tf.string:
            inputs[name] = np.full(shape, b"text", object)
        elif dtype == tf.bool:
            inputs[name] = generator.integers(0, 2, shape).astype(bool)
        elif dtype.is_integer:
            values = generator.integers(0, 100, shape)
            inputs[name] = values.astype(dtype.as_numpy_dtype)
        else:
            values = generator.uniform(0.25, 1.0, shape)
            inputs[name] = values.astype(dtype.as_numpy_dtype)
    return inputs


def check_saved(path: str) -> dict[str, Any]:
    """Reads a SavedModel back and checks what TF-Serving will find in it.

    Args:
      path: the SavedModel's directory.

    Returns:
      The SignatureDefs by name.

    Raises:
      InputError: a signature or a function breaks a rule.
    """
    from tensorflow.python.saved_model import loader_impl

    meta_graph = loader_impl.parse_saved_model(path).meta_graphs[0]
    signatures = {
        name: signature
        for name, signature in meta_graph.signature_def.items()
        if signature.method_name == PREDICT
    }
    if DEFAULT not in signatures:
        raise errors.InputError(f"the SavedModel has no signature {DEFAULT!r}")
    for name, signature in signatures.items():
        for side in (signature.inputs, signature.outputs):
            for key, info in side.items():
                proto: Any = info.tensor_shape
                shape = tf.TensorShape(proto)
                _check_tensor(name, key, shape, tf.as_dtype(info.dtype))
    library = meta_graph.graph_def.library.function
    nodes = [*meta_graph.graph_def.node]
    for function in library:
        nodes.extend(function.node_def)
        _check_graph_mode(function.signature.name, function.attr)
    for node in nodes:
        _check_graph_mode(node.name, node.attr)
    return signatures


def _check_inputs(name: str, specs: Mapping[str, tf.TensorSpec]) -> None:
    if not specs:
        raise errors.InputError(
            f"signature {name!r} has no input; TF-Serving cannot batch it"
        )
    for key, spec in specs.items():
        _check_tensor(name, key, spec.shape, tf.as_dtype(spec.dtype))
        if None in spec.shape[1:].as_list():
            raise errors.InputError(
                f"signature {name!r}: input {key!r} has shape {spec.shape}; "
                "only the first axis may be open, or requests cannot be merged"
            )


def _check_tensor(
    name: str, key: str, shape: tf.TensorShape, dtype: tf.DType
) -> None:
    if shape.rank is None or shape.rank < 1 or shape[0] is not None:
        raise errors.InputError(
            f"signature {name!r}: tensor {key!r} has shape {shape}; the first "
            "axis must be an open batch axis, [None, ...]"
        )
    if dtype not in DTYPES:
        allowed = ", ".join(kind.name for kind in DTYPES)
        raise errors.InputError(
            f"signature {name!r}: tensor {key!r} is {dtype.name}; TF-Serving's "
            f"REST API carries {allowed}"
        )


def _check_graph_mode(name: str, attributes: Any) -> None:
    if "_XlaMustCompile" in attributes and attributes["_XlaMustCompile"].b:
        raise errors.InputError(
            f"function {name!r} is compiled by XLA, which TF-Serving refuses; "
            "build the serving functions with jit_compile=False"
        )
