"""Display names, and libraries' errors in few words."""

from __future__ import annotations

import re
from pathlib import Path

LONGEST = 220
_SUFFIXES = (".onnx", ".pt2", ".pth", ".pt", ".bin", ".safetensors", ".zip", ".ort", ".ckpt", ".tar", ".jit")
_NOISE = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : "  # error class
    r"|(Non-zero status code returned while running )|Status Message: "
    r"|/\S+:\d+ [\w:<>~*& ]+\([^\n]*?\)(?: const)? ?"  # place in ONNX Runtime's source
    r"|\[enforce fail at [^\]]*\][ .]*| at 0x[0-9a-f]+"  # place in PyTorch's source, an address
    r"|\b\w+\.(?:cc|cpp|h):\d+ (?:\w+ )?"
    r"|Load model from \S+ failed: ?|Please fix either the inputs/outputs or the model\.?"
)


def display_name(path: Path) -> str:
    """Return a file's name without the endings of model files, as people call the model."""
    name = path.name
    while name.lower().endswith(_SUFFIXES):
        name = name[: name.rindex(".")]
    return name or path.name


def shorten(error: BaseException | str) -> str:
    """Return the telling line of a library's error: no traceback, no paths of its build machine."""
    text = _NOISE.sub("", str(error)).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    line = told[-1] if told else (lines[0] if lines else "")
    line = re.sub(r"^[\w.]*(Error|Exception): ", "", line)
    line = re.sub(r"(/[\w.+-]+){2,}/", "", line).rstrip(".") or type(error).__name__
    if len(line) <= LONGEST:
        return line
    sentence = line[:LONGEST].rpartition(". ")[0]
    return sentence or line[: LONGEST - 1] + "…"


def shown(names: list[str], limit: int = 5) -> str:
    """Return the first names of a list in words."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
