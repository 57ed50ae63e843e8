"""The sample models as their cards describe them, without loading any of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Sample:
    """One trained model in several formats.

    Attributes:
        files: path by format, `state_dict`, `pt2` and `onnx`.
        data: name of the built-in data set whose held-out half it is measured on.
        accuracy: top-1 share (0 to 1) of the state dict on that half.
        card: everything `card.json` says.
    """

    id: str
    name: str
    description: str
    folder: Path
    files: dict[str, Path]
    data: str
    accuracy: float
    card: dict[str, Any]


@cache
def samples() -> tuple[Sample, ...]:
    """All samples, in the order in which they are worth trying."""
    found = [_read(path) for path in FOLDER.glob("*/card.json")]
    return tuple(sorted(found, key=lambda sample: sample.card["order"]))


def by_id(sample_id: str) -> Sample:
    """The sample with this id; raises KeyError for an unknown one."""
    return {sample.id: sample for sample in samples()}[sample_id]


def _read(path: Path) -> Sample:
    card = json.loads(path.read_text(encoding="utf-8"))
    return Sample(
        id=card["id"],
        name=card["name"],
        description=card["description"],
        folder=path.parent,
        files={kind: path.parent / entry["name"] for kind, entry in card["files"].items()},
        data=card["data"],
        accuracy=card["files"]["state_dict"]["accuracy"],
        card=card,
    )
