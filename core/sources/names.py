"""Display names of models, and libraries' errors in few words."""

from __future__ import annotations

from pathlib import Path

_SUFFIXES = (".onnx", ".pt2", ".pth", ".pt", ".bin", ".safetensors", ".zip", ".ort", ".ckpt", ".tar", ".jit")


def display_name(path: Path) -> str:
    """Return a file's name without the endings of model files, as people call the model."""
    name = path.name
    while name.lower().endswith(_SUFFIXES):
        name = name[: name.rindex(".")]
    return name or path.name


def shown(names: list[str], limit: int = 5) -> str:
    """Return the first names of a list in words."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
