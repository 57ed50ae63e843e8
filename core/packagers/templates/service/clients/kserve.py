"""Ask the service with the golden inputs, and compare.

python client.py http://127.0.0.1:8000 [--key KEY]

The protocol's own clients do the same, such as tritonclient.
"""

from __future__ import annotations

import json
import sys
import urllib.request

from v2 import TYPES, dtype_of

from serving.comparing import main
from serving.inputs import Feed
from serving.on_grpc import array_of, bytes_of
from serving.settings import Settings

LENGTH = "Inference-Header-Content-Length"


def ask(address: str, feed: Feed, key: str = "") -> Feed:
    """Return the outputs of one request: JSON, and the arrays behind it."""
    raw = {name: bytes_of(value) for name, value in feed.items()}
    inputs = [
        {
            **{"name": name, "datatype": TYPES[value.dtype.name], "shape": list(value.shape)},
            "parameters": {"binary_data_size": len(raw[name])},
        }
        for name, value in feed.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{address}/v2/models/{Settings.read().model}/infer"
    request = urllib.request.Request(url, b"".join([head, *raw.values()]), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        length, body = int(answer.headers[LENGTH]), answer.read()
    found, at = {}, length
    for each in json.loads(body[:length])["outputs"]:
        end = at + each["parameters"]["binary_data_size"]
        found[each["name"]] = array_of(dtype_of(each["datatype"]), each["shape"], body[at:end])
        at = end
    return found


if __name__ == "__main__":
    sys.exit(main(ask, "http://127.0.0.1:8000"))
