"""Which functions an export offers, and the rules TF-Serving puts on them.

TF-Serving merges the requests of different clients along the first axis, so
every input and output needs one; a signature that breaks a rule would load in
Python and fail on the server, which is why the rules are checked here.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import errors

DEFAULT = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
PREDICT = tf.saved_model.PREDICT_METHOD_NAME
# What TF-Serving's JSON can carry; it answers 501 to the others.
DTYPES = (tf.float32, tf.int32, tf.int64, tf.bool, tf.string)


def collect(model: Any) -> dict[str, Any]:
    """Returns the model's signatures, and the default among them.

    Args:
      model: anything with `serving_functions()` as a zoo.Model has it.

    Returns:
      The signatures (zoo.rowwise.Signature) by name; `serving_default` is
      `generate`, or the first one of a model that does not generate.

    Raises:
      InputError: a rule of this module is broken.
    """
    found = dict(model.serving_functions())
    if not found:
        raise errors.InputError(
            f"{type(model).__name__} has no row-wise methods to serve"
        )
    for name, signature in found.items():
        _check_inputs(name, signature.inputs)
    default = "generate" if "generate" in found else sorted(found)[0]
    return {**found, DEFAULT: found[default]}


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
