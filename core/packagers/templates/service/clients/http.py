"""Ask the service with the golden inputs, and compare.

python client.py http://127.0.0.1:8000 [--key KEY]
"""

from __future__ import annotations

import io
import sys
import urllib.request

import numpy as np

from serving.comparing import main
from serving.inputs import Feed
from serving.outputs import as_npz


def ask(address: str, feed: Feed, key: str = "") -> Feed:
    """Return the outputs of one request."""
    headers = {"Content-Type": "application/x-npz", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{address}/predict", as_npz(feed), headers)
    with urllib.request.urlopen(request, timeout=60) as answer, np.load(io.BytesIO(answer.read())) as arrays:
        return dict(arrays)


if __name__ == "__main__":
    sys.exit(main(ask, "http://127.0.0.1:8000"))
