"""Image files to the model's input, as a model of Triton's Python backend: prepared as in the measurement."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

HERE = Path(__file__).resolve().parent


class TritonPythonModel:
    """Decodes, resizes and normalizes."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read how the model's input is made."""
        sys.path.insert(0, str(HERE))
        self.tensors = importlib.import_module("tensors")
        settings = importlib.import_module("serving.settings").Settings
        self.picture = settings.read(HERE / "service.json").picture
        self.read_image = importlib.import_module("serving.images").read_image
        self.refused = importlib.import_module("serving.errors").Refused

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request: the bytes of one image file."""
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        """Return the input that is made of an image, or why there is none."""
        body = self.tensors.read(request, "image")
        try:
            made, _ = self.read_image(body.tobytes(), self.picture)
        except self.refused as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        return pb_utils.InferenceResponse([self.tensors.write(self.picture.input, made)])
