"""Ask Triton with the golden inputs over HTTP, and compare.

    python client.py http://127.0.0.1:8000 [--wait 60]

It needs NumPy alone, and the files of the kit.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
KIT = next(HERE.glob("**/golden.npz")).parent
MODEL = json.loads((HERE / "model.json").read_text(encoding="utf8"))
"""Name of the model in the repository, and of its inputs and outputs there, in the kit's order."""
TYPES = {
    **{f"{kind}{bits}": f"{kind.upper()}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"},
}


def ask(address: str, feed: list[Any]) -> list[Any]:
    """Return the outputs for inputs in order, sent and received as bytes, not as JSON."""
    arrays = [np.ascontiguousarray(value) for value in feed]
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
    with urllib.request.urlopen(request, timeout=60) as answer:
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


def wait(address: str, seconds: float) -> None:
    """Wait until the model is ready.

    Raises:
        OSError: It is not, in time.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{address}/v2/models/{MODEL['name']}/ready", timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def compare(address: str) -> int:
    """Ask and compare; 1 where the answers are not those of the measurement."""
    sys.path.insert(0, str(KIT))
    verify = importlib.import_module("verify")
    tolerance, worst = verify.MANIFEST["tolerance"], 0.0
    for feed, expected in verify.golden():
        outputs = ask(address, [feed[name] for name in verify.MANIFEST["inputs"]])
        if verify.MANIFEST["detects"]:
            lost = verify.missing(outputs, expected, tolerance)
            worst, most = max(worst, lost), verify.LOST_DETECTIONS
        else:
            shaped = all(ours.shape == wanted.shape for ours, wanted in zip(outputs, expected, strict=True))
            errors = (
                [verify.difference(*pair) for pair in zip(outputs, expected, strict=True)]
                if shaped
                else [1.0]
            )
            worst, most = max(worst, *errors), tolerance
    print(f"largest difference {worst:.4%}, {most:.2%} is allowed")
    if not worst <= most:
        print("These are not the outputs of the measurement.")
        return 1
    return 0


def main() -> int:
    """Ask and compare; 1 where Triton refuses, or answers otherwise than it was measured to."""
    parser = argparse.ArgumentParser(description="Ask a running Triton with the golden inputs.")
    parser.add_argument("address", help="such as http://127.0.0.1:8000")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait until it is ready")
    options = parser.parse_args()
    try:
        wait(options.address, options.wait)
        return compare(options.address)
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read().decode(errors='replace')}", file=sys.stderr)
    except OSError as error:
        print(f"not ready: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
