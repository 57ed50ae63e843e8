"""Batch prediction: every row of a file, or image of a folder, into files of a folder.

    python -m serving.batch data.csv predictions --leave-out label
    python -m serving.batch pictures/ predictions --to parquet

Ended by whatever, the same command goes on after the last file that was written. Exit code: 0, 1 where rows
could not be predicted (each says why), 2 where the command cannot be followed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from serving.errors import Refused
from serving.inputs import BROKEN
from serving.kit import MODELS
from serving.parts import KINDS, Part, Parts
from serving.rows import Row, Source, calls_of, from_arrays, from_images
from serving.settings import Settings
from serving.worker import Answer, Worker

TABLES = (".csv", ".tsv", ".parquet")
WAITING = 4
"""Calls that wait for the model while further rows are read."""
SHOWN_S = 1.0
MOST_ROWS = 1 << 30


@dataclass
class Progress:
    """How far it is, told on stderr."""

    count: int | None
    before: int
    rows: int = 0
    failed: int = 0
    began: float = field(default_factory=perf_counter)
    _shown: float = 0.0

    @property
    def per_s(self) -> float:
        """Rows a second of this process."""
        return self.rows / max(perf_counter() - self.began, 1e-9)

    def show(self, last: bool = False) -> None:
        """Tell at most once a second."""
        if not last and perf_counter() - self._shown < SHOWN_S:
            return
        self._shown, done = perf_counter(), self.before + self.rows
        left = (
            f" of {self.count:,}, {(self.count - done) / max(self.per_s, 1e-9):,.0f} s left"
            if self.count
            else ""
        )
        print(f"{done:,} rows{left}, {self.per_s:,.1f} rows/s, {self.failed:,} failed", file=sys.stderr)


def predicted(settings: Settings, worker: Worker, first: int, rows: list[Row], progress: Progress) -> Part:
    """Return the outputs of some rows: calls of the fastest size, the next being read while one runs."""
    part = Part(first, rows, {}, {})
    waiting: deque[tuple[list[int], Future[Answer]]] = deque()

    def settle() -> None:
        numbers, future = waiting.popleft()
        try:
            outputs = future.result().outputs
            batched = settings.batches.symbol is not None
            for place, number in enumerate(numbers):
                part.outputs[number] = {n: v[place] if batched else v for n, v in outputs.items()}
        except Refused as error:
            retry = [
                ([number], _one(settings, rows, number, worker)) for number in numbers if len(numbers) > 1
            ]
            part.errors |= {} if retry else {numbers[0]: error.message}
            waiting.extend(retry)

    for start in range(0, len(rows), settings.batches.bulk):
        calls, errors = calls_of(settings, rows[start : start + settings.batches.bulk])
        part.errors |= {start + number: why for number, why in errors.items()}
        progress.rows += min(settings.batches.bulk, len(rows) - start)
        for numbers, feed in calls:
            waiting.append(([start + number for number in numbers], worker.submit(feed, len(numbers))))
            while len(waiting) > WAITING:
                settle()
        progress.show()
    while waiting:
        settle()
    progress.failed += len(part.errors)
    return part


def _one(settings: Settings, rows: list[Row], number: int, worker: Worker) -> Future[Answer]:
    """Return the answer to one row of a call that failed: one may be to blame for all."""
    ((_, feed),), _ = calls_of(settings, rows[number : number + 1])
    return worker.submit(feed, 1)


def run(source: Source, parts: Parts, size: int, settings: Settings, worker: Worker) -> Progress:
    """Predict what is not there yet."""
    worker.ready.result()
    progress = Progress(source.count, parts.done * size)
    rows: Iterator[Row] = source.rows(progress.before)
    while some := list(islice(rows, size)):
        parts.write(predicted(settings, worker, parts.done * size, some, progress))
    progress.show(last=True)
    return progress


def source_of(options: argparse.Namespace, settings: Settings) -> Source:
    """Return the rows of what was given.

    Raises:
        ValueError: They are no rows of this model.
    """
    path: Path = options.data
    if path.is_dir():
        return from_images(path, settings)
    if path.suffix.lower() in TABLES:
        from serving.tables import from_table

        return from_table(path, settings, _names(options.columns), _names(options.leave_out))
    if path.suffix.lower() == ".npz":
        return from_arrays(path, settings)
    raise ValueError(f"{path} is no folder of images and ends in none of .npz, {', '.join(TABLES)}.")


def _names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def stamp(path: Path) -> str:
    """Return what changes when the data do: names, sizes and times of change."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    seen = [(str(each), each.stat().st_size, each.stat().st_mtime_ns) for each in files]
    return sha256(json.dumps(seen).encode()).hexdigest()[:16]


def arguments() -> argparse.ArgumentParser:
    """Return what the command takes."""
    parser = argparse.ArgumentParser(description="Predict every row of a file, or image of a folder.")
    parser.add_argument("data", type=Path, help=f".npz, {', '.join(TABLES)}, or a folder of images")
    parser.add_argument("out", type=Path, help="folder for the predictions")
    parser.add_argument(
        "--to", choices=[kind[1:] for kind in KINDS], help="form (that of the data, else csv)"
    )
    parser.add_argument("--columns", default="", help="columns of a table that are inputs, with commas")
    parser.add_argument("--leave-out", default="", help="columns of a table that are none, with commas")
    parser.add_argument("--part", type=int, default=1000, help="rows of a file (1000)")
    parser.add_argument("--version", help="of the model (that of service.json)")
    return parser


def main() -> int:
    """Predict, and write what it came to beside the predictions."""
    parser, settings = arguments(), Settings.read()
    options = parser.parse_args()
    settings = settings.model_copy(update={"max_rows": MOST_ROWS, "max_waiting": MOST_ROWS})
    name, suffix = options.version or settings.version, options.data.suffix.lower()
    to = f".{options.to}" if options.to else suffix if suffix in KINDS else ".csv"
    try:
        source = source_of(options, settings)
        manifest = (MODELS / name / "manifest.json").read_bytes()
        job: dict[str, Any] = {"data": stamp(options.data), "model": sha256(manifest).hexdigest(), "form": to}
        job |= {"part": options.part, "columns": [options.columns, options.leave_out]}
        parts = Parts(options.out, to, job, settings)
        worker = Worker(MODELS / name, settings)
        found = run(source, parts, options.part, settings, worker)
    except BROKEN as error:  # pyarrow's own are ValueErrors, too
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    told = {"rows": found.before + found.rows, "before": found.before, "failed": found.failed}
    print(json.dumps({**told, "rows_per_s": round(found.per_s, 2), "out": str(options.out)}))
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
