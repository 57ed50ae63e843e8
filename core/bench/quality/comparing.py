"""Evaluation of saved outputs in a confined process: a hostile model may have written them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.bench.quality.evaluation import compare
from core.bench.quality.predictions import CHANGING
from core.bench.quality.saved_outputs import open_saved, read_outputs
from core.serde import to_plain


def compare_command(payload: dict[str, Any]) -> dict[str, Any]:
    """Compare two folders of outputs.

    The rows of the test come first. Where a run searches, those behind them are compared apart.

    Args:
        payload: ``ours`` and ``theirs``, folders by `core.bench.quality.predictions.save_predictions`;
            ``labels``, files of what belongs to the rows one after another; ``classes``; ``names`` of the
            outputs; ``samples``, the most there can be; ``test``, the rows of the test.

    Returns:
        ``test`` and ``search``, each a plain `Quality`; the latter None where all rows are the test's.

    Raises:
        RuntimeFailed: As `compare` and `read_outputs` do.
    """
    folders = [Path(payload[side]) for side in ("ours", "theirs")]
    samples, test = int(payload["samples"]), int(payload["test"])
    sides = [read_outputs(folder, samples) for folder in folders]
    files = [open_saved(Path(path))[:] for path in payload["labels"]]
    labels = np.concatenate(files) if files else None

    def quality(start: int, stop: int) -> dict[str, Any]:
        ours, theirs = ([output.rows(start, stop) for output in outputs] for outputs in sides)
        accuracy, fidelity = compare(
            ours,
            theirs,
            None if labels is None else labels[start:stop],
            payload["classes"],
            changing=any((folder / CHANGING).exists() for folder in folders),
            names=payload["names"],
            itself=folders[0] == folders[1],
        )
        return {"accuracy": to_plain(accuracy), "fidelity": to_plain(fidelity)}

    left = min(output.shape[0] for outputs in sides for output in outputs) > test
    return {"test": quality(0, test), "search": quality(test, samples) if left else None}


COMMANDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"compare": compare_command}
