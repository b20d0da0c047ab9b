"""Requests that TF-Serving replays before a version takes traffic.

Each signature is run at each batch size the server may form, so the first
client does not wait for TensorFlow to plan the graph.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import errors
from export import signatures

FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
# TF-Serving refuses a version whose file holds more.
MAX_RECORDS = 1000


def write(
    path: str,
    served: Mapping[str, Any],
    batch_sizes: Sequence[int],
) -> int:
    """Writes one record per signature and batch size.

    Args:
      path: the SavedModel's directory.
      served: signatures by name, see signatures.collect.
      batch_sizes: rows of each record.

    Returns:
      The number of records.

    Raises:
      InputError: more records than TF-Serving takes.
    """
    count = len(served) * len(batch_sizes)
    if count > MAX_RECORDS:
        raise errors.InputError(
            f"{len(served)} signatures x {len(batch_sizes)} batch sizes are "
            f"{count} warm-up records; TF-Serving takes {MAX_RECORDS}: allow "
            "fewer batch sizes"
        )
    target = os.path.join(path, FILE)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with tf.io.TFRecordWriter(target) as writer:
        for name, signature in sorted(served.items()):
            for rows in batch_sizes:
                log = _prediction_log()
                request = log.predict_log.request
                request.model_spec.signature_name = name
                for key, value in signature.examples(rows).items():
                    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
                writer.write(log.SerializeToString())
    return count


def read(path: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yields (signature name, inputs) of each record of a SavedModel.

    Args:
      path: the SavedModel's directory; without the file nothing is yielded.

    Raises:
      InputError: a record is not a predict request, or there are too many.
    """
    target = os.path.join(path, FILE)
    if not os.path.exists(target):
        return
    for index, record in enumerate(tf.data.TFRecordDataset(target)):
        if index >= MAX_RECORDS:
            raise errors.InputError(
                f"more than {MAX_RECORDS} warm-up records in {target}"
            )
        log = _prediction_log()
        log.ParseFromString(record.numpy())
        if log.WhichOneof("log_type") != "predict_log":
            raise errors.InputError(
                f"warm-up record {index} of {target} is not a predict request"
            )
        request = log.predict_log.request
        yield (
            request.model_spec.signature_name or signatures.DEFAULT,
            {key: tf.make_ndarray(v) for key, v in request.inputs.items()},
        )


def _prediction_log() -> Any:
    # Imported late: the message brings every API of TF-Serving with it.
    from tensorflow_serving.apis import prediction_log_pb2

    messages: Any = prediction_log_pb2
    return messages.PredictionLog()
