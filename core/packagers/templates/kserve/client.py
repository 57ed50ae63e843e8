"""Ask a server with the golden inputs by the Open Inference Protocol (KServe v2) over HTTP, and compare.

    python client.py http://127.0.0.1:8000 [--wait 60]

It needs NumPy alone, and the folder `proof`.
"""

from __future__ import annotations

import json
import math
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from golden import main

HERE = Path(__file__).resolve().parent
MODEL = json.loads((HERE / "model.json").read_text(encoding="utf8"))
"""Name of the model on the server, and of its inputs and outputs there, in the order of the measurement."""
TYPES = {
    **{f"{kind}{bits}": f"{kind.upper()}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"},
}


def ask(address: str, feed: dict[str, Any]) -> list[Any]:
    """Return the outputs, sent and received as bytes, not as JSON."""
    arrays = [np.ascontiguousarray(value) for value in feed.values()]
    told = [
        {
            "name": each["name"],
            "shape": list(array.shape) + [1] * each["scalar"],
            "datatype": TYPES[str(array.dtype)],
            "parameters": {"binary_data_size": array.nbytes},
        }
        for each, array in zip(MODEL["inputs"], arrays, strict=True)
    ]
    wanted = [{"name": each["name"], "parameters": {"binary_data": True}} for each in MODEL["outputs"]]
    head = json.dumps({"inputs": told, "outputs": wanted}).encode()
    body = b"".join([head, *(array.tobytes() for array in arrays)])
    request = urllib.request.Request(f"{address}/v2/models/{MODEL['name']}/infer", body)
    request.add_header("Inference-Header-Content-Length", str(len(head)))
    with urllib.request.urlopen(request, timeout=300) as answer:
        return received(answer.read(), int(answer.headers["Inference-Header-Content-Length"]))


def received(body: bytes, head: int) -> list[Any]:
    """Return the outputs of an answer, in the order of the model."""
    kinds, found, at = {value: key for key, value in TYPES.items()}, {}, head
    for each in json.loads(body[:head])["outputs"]:
        dtype, shape = np.dtype(kinds[each["datatype"]]), each["shape"]
        count = math.prod(shape)
        found[each["name"]] = np.frombuffer(body, dtype, count, at).reshape(shape)
        at += count * dtype.itemsize
    outputs = MODEL["outputs"]
    return [found[e["name"]][..., 0] if e["scalar"] else found[e["name"]] for e in outputs]


if __name__ == "__main__":
    sys.exit(main(ask, f"/v2/models/{MODEL['name']}/ready"))
