"""The kit beside this file as a model of Triton's Python backend.

It is ready once the golden inputs gave the outputs of the measurement.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

KIT = Path(__file__).resolve().parent / "kit"


class TritonPythonModel:
    """One instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model and prove it.

        Raises:
            TritonModelException: The kit is not whole, or gives other outputs here than when it was measured.
        """
        config = json.loads(args["model_config"])
        self.batches = config["max_batch_size"] > 0
        self.inputs = [each["name"] for each in config["input"]]
        self.outputs = [each["name"] for each in config["output"]]
        sys.path[:0] = [str(KIT), str(KIT.parent)]
        self.tensors = importlib.import_module("tensors")
        verify = importlib.import_module("verify")
        problem = verify.check_hashes()
        self.run = importlib.import_module("session").load()
        if problem := problem or verify.check_outputs(self.run):
            raise pb_utils.TritonModelException(problem)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer requests that wait together: in one call, or each alone where that fails."""
        feeds = [{name: self.tensors.read(request, name) for name in self.inputs} for request in requests]
        if len(feeds) > 1 and self.batches:
            try:
                return self.together(feeds)
            except Exception:
                pass  # one of them may be to blame
        return [self.alone(feed) for feed in feeds]

    def together(self, feeds: list[dict[str, Any]]) -> list[Any]:
        """Run the rows of all requests in one call."""
        rows = [len(feed[self.inputs[0]]) for feed in feeds]
        found = self.run({name: np.concatenate([feed[name] for feed in feeds]) for name in self.inputs})
        if any(len(output) != sum(rows) for output in found):
            raise ValueError("an output has another number of rows than the inputs")
        ends = np.cumsum(rows)
        return [
            self.response([output[end - count : end] for output in found])
            for count, end in zip(rows, ends, strict=True)
        ]

    def alone(self, feed: dict[str, Any]) -> Any:
        """Run one request, and say why where that fails."""
        try:
            return self.response(self.run(feed))
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"The model failed: {said}"))

    def response(self, outputs: list[Any]) -> Any:
        """Return the outputs as Triton takes them."""
        named = zip(self.outputs, outputs, strict=True)
        return pb_utils.InferenceResponse([self.tensors.write(name, value) for name, value in named])
