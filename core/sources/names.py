"""Display names of models."""

from __future__ import annotations

from pathlib import Path

_SUFFIXES = (
    ".onnx",
    ".pt2",
    ".pth",
    ".pt",
    ".bin",
    ".safetensors",
    ".zip",
    ".ort",
    ".ckpt",
    ".tar",
    ".jit",
    ".tflite",
    ".xml",
)


def display_name(path: Path) -> str:
    """Return a file's name without the endings of model files, as people call the model."""
    name = path.name
    while name.lower().endswith(_SUFFIXES):
        name = name[: name.rindex(".")]
    return name or path.name
