"""Golden samples as JSON, which pages and programs without NumPy read."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from core.protocols import Array, Package


def golden_json(package: Package) -> str:
    """Return the golden samples: inputs and outputs in order, each with type, shape and base64 data."""
    with np.load(package.golden, allow_pickle=False) as arrays:
        samples = [
            {
                "inputs": [
                    _told(arrays[f"input_{sample}_{index}"]) for index in range(len(package.model.inputs))
                ],
                "outputs": [
                    _told(arrays[f"output_{sample}_{index}"]) for index in range(len(package.model.outputs))
                ],
            }
            for sample in range(package.golden_samples)
        ]
    return json.dumps(samples) + "\n"


def _told(array: Array) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"type": str(array.dtype), "shape": list(array.shape), "data": data}
