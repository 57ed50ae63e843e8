"""Windows of the prediction log: each is held against the evaluation data once it is full, and once only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict
from time import time
from typing import Any

import numpy as np

from serving.drift import FEWEST, WINDOWS, Reference, compare, less_correct, level
from serving.watching import ACCURACY

LABELS = 250
"""Labels of a window."""
Heard = Callable[[str, float | None], None]


def judge_windows(
    log: sqlite3.Connection, known: Callable[[str], Reference | None], heard: Heard | None
) -> None:
    """Test every window that is full and was not tested yet.

    Args:
        log: The prediction log.
        known: Returns the reference of a version.
        heard: Told the shift of each feature, for the metrics.
    """
    streams = log.execute("SELECT stream, version, logged, labelled FROM streams").fetchall()
    for stream, version, logged, labelled in streams:
        reference = known(version)
        if reference is None:
            continue
        for index in range(len(WINDOWS) if len(reference.values) >= FEWEST else 0):
            _features(log, stream, index, logged, reference, heard)
        if reference.labelled:
            _accuracy(log, stream, labelled, reference)


def _features(
    log: sqlite3.Connection, stream: int, index: int, logged: int, reference: Reference, heard: Heard | None
) -> None:
    size, _ = WINDOWS[index]
    for number, first in _untested(log, "predictions", stream, str(size), size, logged):
        asked = (
            "SELECT features FROM predictions WHERE stream = ? AND place >= ? AND place < ? ORDER BY place"
        )
        rows = log.execute(asked, (stream, first, first + size)).fetchall()
        held = [np.frombuffer(row, np.float32) for (row,) in rows if row is not None]
        # A service of the same name that was replaced may have watched other features.
        if sum(len(row) == reference.values.shape[1] for row in held) < size:
            continue
        spent = level(index, number)
        found = compare(reference, np.stack(held), spent)
        _tell(log, stream, str(size), number, spent, [asdict(each) for each in found])
        if heard is not None and index == 0:
            for each in found:
                heard(each.name, each.psi)


def _accuracy(log: sqlite3.Connection, stream: int, labelled: int, reference: Reference) -> None:
    for number, first in _untested(log, "labels", stream, ACCURACY, LABELS, labelled):
        asked = "SELECT SUM(correct), COUNT(*) FROM labels WHERE stream = ? AND place >= ? AND place < ?"
        correct, rows = log.execute(asked, (stream, first, first + LABELS)).fetchone()
        if rows < LABELS:
            continue
        spent, p = level(0, number), less_correct(correct, rows, reference)
        found = {
            **{"name": ACCURACY, "kind": "share", "test": "Fisher's exact test", "statistic": correct / rows},
            **{"p": p, "psi": None, "reference": reference.correct / reference.labelled},
            **{"live": correct / rows, "raised": p <= spent},
        }
        _tell(log, stream, ACCURACY, number, spent, [found])


def _untested(
    log: sqlite3.Connection, table: str, stream: int, kind: str, size: int, count: int
) -> Iterator[tuple[int, int]]:
    """Give the number, from 1, and the first place of each full window that was not tested and is kept."""
    (done,) = log.execute(
        "SELECT MAX(number) FROM windows WHERE stream = ? AND kind = ?", (stream, kind)
    ).fetchone()
    (oldest,) = log.execute(f"SELECT MIN(place) FROM {table} WHERE stream = ?", (stream,)).fetchone()
    first = max(done or 0, -(-(oldest or 0) // size))
    return ((number + 1, number * size) for number in range(first, count // size))


def _tell(
    log: sqlite3.Connection, stream: int, kind: str, number: int, spent: float, found: list[dict[str, Any]]
) -> None:
    raised = sum(bool(each["raised"]) for each in found)
    row = (stream, kind, number, time(), spent, raised, json.dumps(found))
    log.execute("INSERT OR IGNORE INTO windows VALUES (?, ?, ?, ?, ?, ?, ?)", row)
