"""Ask TorchServe with the golden inputs, and compare.

    python client.py http://127.0.0.1:8080 [--wait 60]

It needs NumPy alone, and the folder `proof`.
"""

from __future__ import annotations

import io
import json
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from golden import PROOF, main

NAME = next((Path(__file__).resolve().parent / "model_store").glob("*.mar")).stem
OUTPUTS = json.loads((PROOF / "manifest.json").read_text(encoding="utf8"))["outputs"]


def ask(address: str, feed: dict[str, Any]) -> list[Any]:
    """Return the outputs, sent and received as `.npz`."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:  # as numpy.savez does, which takes no input named file
        for name, value in feed.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, value, allow_pickle=False)
    request = urllib.request.Request(f"{address}/predictions/{NAME}", body.getvalue())
    request.add_header("Content-Type", "application/x-npz")
    with urllib.request.urlopen(request, timeout=300) as answer:
        found = io.BytesIO(answer.read())
    with np.load(found, allow_pickle=False) as arrays:
        return [arrays[name] for name in OUTPUTS]


if __name__ == "__main__":
    sys.exit(main(ask, "/ping"))
