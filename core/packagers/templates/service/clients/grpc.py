"""Ask the service with the golden inputs, and compare.

python client.py 127.0.0.1:8000 [--key KEY]
"""

from __future__ import annotations

import sys

import grpc
from predict_pb2 import PredictRequest, PredictResponse, Tensor

from serving.comparing import main
from serving.inputs import Feed
from serving.on_grpc import array_of, bytes_of

PREDICT = "/prediction.v1.Prediction/Predict"


def ask(address: str, feed: Feed, key: str = "") -> Feed:
    """Return the outputs of one call."""
    inputs = {n: Tensor(dtype=str(v.dtype), shape=v.shape, data=bytes_of(v)) for n, v in feed.items()}
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    options = (("grpc.max_receive_message_length", -1),)
    with grpc.insecure_channel(address, options) as channel:
        call = channel.unary_unary(PREDICT, PredictRequest.SerializeToString, PredictResponse.FromString)
        try:
            answer = call(PredictRequest(inputs=inputs), timeout=60, metadata=metadata)
        except grpc.RpcError as error:
            raise OSError(f"{error.code().name}: {error.details()}") from error
    return {name: array_of(each.dtype, each.shape, each.data) for name, each in answer.outputs.items()}


if __name__ == "__main__":
    sys.exit(main(ask, "127.0.0.1:8000"))
