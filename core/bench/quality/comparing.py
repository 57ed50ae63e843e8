"""Evaluation of saved outputs in a confined process: a hostile model may have written them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.bench.quality.evaluation import compare
from core.bench.quality.predictions import CHANGING
from core.bench.quality.saved_outputs import open_saved, read_outputs
from core.serde import to_plain


def compare_command(payload: dict[str, Any]) -> dict[str, Any]:
    """Compare two folders of outputs.

    Args:
        payload: ``ours`` and ``theirs``, folders by `core.bench.quality.predictions.save_predictions`;
            ``labels``, a file or None; ``classes``; ``names`` of the outputs; ``samples``, the most there can
            be.

    Returns:
        ``accuracy``, a plain `Accuracy` or None, and ``fidelity``, a plain `Fidelity`.

    Raises:
        RuntimeFailed: As `compare` and `read_outputs` do.
    """
    folders = [Path(payload[side]) for side in ("ours", "theirs")]
    ours, theirs = (read_outputs(folder, int(payload["samples"])) for folder in folders)
    accuracy, fidelity = compare(
        ours,
        theirs,
        open_saved(Path(payload["labels"])) if payload["labels"] else None,
        payload["classes"],
        changing=any((folder / CHANGING).exists() for folder in folders),
        names=payload["names"],
        itself=folders[0] == folders[1],
    )
    return {"accuracy": to_plain(accuracy), "fidelity": to_plain(fidelity)}


COMMANDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"compare": compare_command}
