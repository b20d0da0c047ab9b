"""TF-Serving's protocol messages and services, which have no type stubs."""

from typing import Any

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

predict: Any = predict_pb2
metadata: Any = get_model_metadata_pb2
model_status: Any = get_model_status_pb2
management: Any = model_management_pb2
server_config: Any = model_server_config_pb2
meta_graph: Any = meta_graph_pb2
prediction_service: Any = prediction_service_pb2_grpc
model_service: Any = model_service_pb2_grpc
