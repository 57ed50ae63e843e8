"""Pytree specs of a `.pt2`: the nesting of inputs and outputs as torch.utils._pytree's JSON, protocol 1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from core.archives.zips import open_zip
from core.errors import CorruptFile

SPECS = ("in_spec", "out_spec")
"""Keys of a program under which the nesting is written, as JSON inside a text."""

_IMPORTING = ("collections.defaultdict", "__enum__")
"""Kind of node, and key of a context, for which PyTorch imports the Python name written beside them."""

_NAME = re.compile(r"[A-Za-z_][\w.]*")


def imports_a_name(spec: str) -> bool:
    """Whether PyTorch would import something by name to read `spec`.

    Raises:
        CorruptFile: It is not readable.
    """
    return any(text in _IMPORTING for pair in _texts(spec) for text in pair)


def type_names(path: Path) -> set[str]:
    """Return the names of the classes in which the programs of the archive at `path` take and return tensors.

    Raises:
        CorruptFile: A description is not readable.
    """
    found: set[str] = set()
    with open_zip(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.casefold().endswith(".json"):
                continue
            for key, value in walk(_read(archive.read(entry))):
                if key in SPECS and isinstance(value, str):
                    found |= _classes(value)
    return found


def _classes(spec: str) -> set[str]:
    # Named tuples are of one kind and have their own class as context.
    return {text for key, text in _texts(spec) if key in ("type", "context") and _NAME.fullmatch(text)}


def walk(root: object) -> Iterator[tuple[str, object]]:
    """Yield every value of a JSON tree with the key that it lies under."""
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        key, value = waiting.pop()
        yield key, value
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += ((key, item) for item in value)


def _texts(spec: str) -> Iterator[tuple[str, str]]:
    """Yield every key of `spec` with its text, if any, and those of JSON that is written inside a text."""
    for key, value in walk(_read(spec)):
        text = value if isinstance(value, str) else ""
        yield key, text
        if text[:1] in ("[", "{"):
            yield from _texts(text)


def _read(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptFile(
            "The program's description of its inputs and outputs is not readable JSON.",
            hint="Export the model again.",
        ) from error
