"""Files of a batch prediction: each has the outputs of so many rows, and is there whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from serving.inputs import Array
from serving.outputs import as_npz, class_name, probabilities
from serving.rows import Row
from serving.settings import Settings

KINDS = (".csv", ".parquet", ".npz")
WIDEST = 64
"""Numbers of an output in a row of CSV; of more, CSV has class and probability alone."""


@dataclass
class Part:
    """Some rows: their outputs by row, and why others have none. `first` is the number of the first row."""

    first: int
    rows: Sequence[Row]
    outputs: dict[int, dict[str, Array]]
    errors: dict[int, str]


class Parts:
    """The folder that a job writes to. What is there of the same job is kept.

    Args:
        folder: It is made.
        kind: One of `KINDS`.
        job: What must be the same for the parts that are there to belong to it.
        settings: Of the service.

    Raises:
        ValueError: Parts of another job are there, or another process writes.
    """

    def __init__(self, folder: Path, kind: str, job: dict[str, Any], settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / ".lock").open("w")  # the system frees it, however the process ends
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"Another process writes to {folder}.") from error
        kept = folder / "job.json"
        known = json.loads(kept.read_text(encoding="utf8")) if kept.is_file() else job
        other = [name for name in job if known.get(name) != job[name]]
        if other:
            raise ValueError(f"{folder} holds a job of another {', '.join(other)}. Choose another folder.")
        self._folder, self._kind, self._settings = folder, kind, settings
        _whole(kept, lambda path: path.write_text(json.dumps(job, indent=2) + "\n", encoding="utf8"))
        self.done = 0
        while self._path(self.done).is_file():
            self.done += 1

    def _path(self, number: int) -> Path:
        return self._folder / f"part-{number:06}{self._kind}"

    def write(self, part: Part) -> None:
        """Write the next part."""
        made = _arrays(self._settings, part) if self._kind == ".npz" else self._table(part)
        writers: dict[str, Callable[[Path], Any]] = {
            ".npz": lambda path: path.write_bytes(as_npz(made)),
            ".csv": lambda path: csv.write_csv(made, path),
            ".parquet": lambda path: parquet.write_table(made, path),
        }
        _whole(self._path(self.done), writers[self._kind])
        self.done += 1

    def _table(self, part: Part) -> Any:
        numbers = range(len(part.rows))
        columns: dict[str, Any] = {
            "row": pa.array([part.first + number for number in numbers]),
            "error": pa.array([part.errors.get(number) for number in numbers], pa.string()),
        }
        if any(name for name, _ in part.rows):
            columns["file"] = pa.array([name for name, _ in part.rows])
        if self._settings.scores:
            columns |= _classes(self._settings, part)
        for spec in self._settings.outputs:
            cells = [_flat(part.outputs.get(number), spec.name) for number in numbers]
            further = self._columns(spec.name, np.dtype(spec.dtype), cells)
            if twice := columns.keys() & further.keys():
                raise ValueError(f"Two outputs would be the column {min(twice)!r}: --to parquet or --to npz")
            columns |= further
        return pa.table(columns)

    def _columns(self, name: str, dtype: Any, cells: list[Array | None]) -> dict[str, Any]:
        kind, width = (
            pa.from_numpy_dtype(dtype),
            max((len(cell) for cell in cells if cell is not None), default=1),
        )
        if self._kind == ".parquet" and width > 1:
            return {f"output {name}": pa.array(cells, pa.list_(kind))}
        if width > WIDEST and not self._settings.scores:
            raise ValueError(
                f"{name} has {width:,} numbers a row, too many for CSV: --to parquet or --to npz"
            )
        return {
            f"output {name} {index}" if width > 1 else f"output {name}": pa.array(
                [None if cell is None or index >= len(cell) else cell[index] for cell in cells], kind
            )
            for index in range(width if width <= WIDEST else 0)
        }


def _flat(outputs: dict[str, Array] | None, name: str) -> Array | None:
    return None if outputs is None else np.ravel(outputs[name])


def _classes(settings: Settings, part: Part) -> dict[str, Any]:
    """Return class and probability of each row; of logits that of softmax."""
    known = sorted(part.outputs)
    named: list[str | None] = [None] * len(part.rows)
    chances: list[float | None] = [None] * len(part.rows)
    if known:
        scores = np.stack([np.ravel(part.outputs[number][settings.scores]) for number in known])
        best, chance = scores.argmax(axis=1), probabilities(scores).max(axis=1)
        for number, index, value in zip(known, best.tolist(), chance.tolist(), strict=True):
            named[number] = class_name(settings, index)
            chances[number] = value
    return {"class": pa.array(named, pa.string()), "probability": pa.array(chances, pa.float64())}


def _arrays(settings: Settings, part: Part) -> dict[str, Array]:
    """Return the outputs of the rows that were predicted, their numbers, and what was wrong with others."""
    known = sorted(part.outputs)
    found = {
        f"output {spec.name}": np.stack([part.outputs[number][spec.name] for number in known])
        for spec in settings.outputs
        if known
    }
    found["row"] = np.array([part.first + number for number in known], np.int64)
    found["file"] = np.array([part.rows[number][0] for number in known], str)
    found["error_row"] = np.array([part.first + number for number in sorted(part.errors)], np.int64)
    found["error"] = np.array([part.errors[number] for number in sorted(part.errors)], str)
    return found


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file that is there as a whole or not at all, whenever the machine stops."""
    partial = path.with_name(f"{path.name}.partial")
    write(partial)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
