"""Prediction log: what was asked and answered, bounded, tested for drift as it fills.

A request leaves its time, status, version and milliseconds by stage; a sample of the predictions leaves
class, confidence and the numbers of `features.py`. Inputs are kept only where `service.json` says so.

SERVICE_WEBHOOK   address that is sent a line of JSON when an alert begins or ends
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from queue import Empty, Full, Queue
from threading import Thread
from time import monotonic, time
from typing import Any

from serving.database import log_file, opened
from serving.drift import WINDOWS, Reference
from serving.features import CLASS, CONFIDENCE, Part, parts
from serving.kit import MODELS
from serving.labels import add_labels, labels_from
from serving.outputs import as_npz
from serving.record import Record
from serving.settings import Settings
from serving.watching import alerts, report
from serving.windows import judge_windows

Kept = tuple[Record, list[Part]]
WAITING, MOST_WAITING = 32, 8192
"""Requests that may wait to be written with their arrays, and at all; of more, the log keeps nothing."""
BATCH, BATCH_S, LOOK_S = 256, 0.5, 5.0
MOST_WINDOWS = 10_000


class Predictions:
    """Keeps what it hears of, in a thread of its own."""

    def __init__(self, settings: Settings, metrics: Any = None) -> None:
        self._settings, self._metrics = settings, metrics
        self._queue: Queue[Record | None] = Queue(MOST_WAITING)
        self._references: dict[str, Reference | None] = {}
        self._on: set[str] = set()
        self._thread = Thread(target=self._work, name="predictions", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Nothing is known yet."""

    def end(self, record: Record) -> None:
        """Keep a request; of its prediction nothing where it is not in the sample, or many wait."""
        if self._queue.qsize() >= WAITING or random.random() >= self._settings.log_share:
            record.feed = record.outputs = None
        try:
            self._queue.put_nowait(record)
        except Full:
            return

    def report(self) -> dict[str, Any]:
        """Return what is worth a look, see `serving.watching.report`."""
        with closing(opened(log_file())) as log:
            return report(log)

    def label(self, body: bytes) -> dict[str, Any]:
        """Add true labels, see `serving.labels`; return how many were new.

        Raises:
            Refused: It is something else, or a label is no class.
        """
        with closing(opened(log_file())) as log:
            return {"kept": add_labels(log, labels_from(body), self._settings)}

    def close(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        self._thread.join(30)

    def _work(self) -> None:
        going, looked = True, monotonic()
        with closing(opened(log_file())) as log:
            self._describe(log)
            while going:
                kept, going = self._taken()
                try:
                    self._write(log, kept)
                    judge_windows(log, self._reference, self._metrics and self._metrics.drift)
                    if monotonic() - looked > LOOK_S or not going:
                        looked = monotonic()
                        self._alert(log)
                        self._trim(log)
                except Exception as error:  # the next ones may be written
                    print(f"The prediction log cannot be written or tested: {error}", file=sys.stderr)

    def _describe(self, log: sqlite3.Connection) -> None:
        settings = self._settings
        told = {"name": settings.name, "slow_ms": settings.slow_ms, "classes": settings.classes}
        rows = [(name, json.dumps(value)) for name, value in told.items()]
        log.executemany("REPLACE INTO about VALUES (?, ?)", rows)

    def _taken(self) -> tuple[list[Kept], bool]:
        """Return records for one transaction, each with what is watched of it, and whether more may come."""
        found: list[Kept] = []
        until = monotonic() + BATCH_S
        while len(found) < BATCH and (left := until - monotonic()) > 0:
            try:
                record = self._queue.get(timeout=left)
            except Empty:
                break
            if record is None:
                return found, False
            found.append((record, self._parts(record)))
        return found, True

    def _parts(self, record: Record) -> list[Part]:
        if record.feed is None or record.outputs is None or record.status != 200:
            return []
        settings = self._settings
        try:
            found = parts(settings.inputs, record.feed, record.outputs, settings.scores, record.rows)
        except Exception as error:  # whatever a stranger's values make of it: the log goes on
            print(f"A prediction was not kept: {error}", file=sys.stderr)
            return []
        record.outputs = None
        record.feed = record.feed if settings.log_inputs else None
        return found

    def _write(self, log: sqlite3.Connection, kept: Sequence[Kept]) -> None:
        if not kept:
            return
        log.execute("BEGIN IMMEDIATE")
        with log:
            rows = (_request(record) for record, _ in kept)
            log.executemany("INSERT INTO requests VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            for record, found in kept:
                if found:
                    self._keep(log, record, found)

    def _keep(self, log: sqlite3.Connection, record: Record, found: Sequence[Part]) -> None:
        reference, stream = self._reference(record.version), self._stream(log, record)
        known, rows = {part.name: part.values[:, 0] for part in found}, len(found[0].values)
        features = reference.row(found) if reference is not None else None
        counted = "UPDATE streams SET logged = logged + ? WHERE stream = ? RETURNING logged"
        (after,) = log.execute(counted, (rows, stream)).fetchone()
        inputs = as_npz(record.feed) if record.feed is not None else None
        values = (
            (
                *(record.time, record.id, row, stream, after - rows + row),
                int(known[CLASS][row]) if CLASS in known else None,
                float(known[CONFIDENCE][row]) if CONFIDENCE in known else None,
                features[row].tobytes() if features is not None else None,
                inputs if row == 0 else None,
            )
            for row in range(rows)
        )
        log.executemany("INSERT INTO predictions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _reference(self, version: str) -> Reference | None:
        if version not in self._references:
            path = MODELS / version / "reference.npz"
            self._references[version] = Reference.load(path) if path.is_file() else None
        return self._references[version]

    def _stream(self, log: sqlite3.Connection, record: Record) -> int:
        key = record.version, record.arm
        found = log.execute("SELECT stream FROM streams WHERE version = ? AND arm = ?", key).fetchone()
        if found is not None:
            return int(found[0])
        known = self._reference(record.version)
        told = json.dumps(known.about() if known is not None else {})
        made = log.execute("INSERT INTO streams (version, arm, reference) VALUES (?, ?, ?)", (*key, told))
        return int(made.lastrowid or 0)

    def _alert(self, log: sqlite3.Connection) -> None:
        """Tell of alerts that began or ended."""
        found = {each["rule"]: each for each in alerts(log)}
        for rule in sorted(set(found) ^ self._on):
            state = "raised" if rule in found else "over"
            line = {"alert": rule, "state": state, "service": self._settings.name, "time": time()}
            line["message"] = found[rule]["message"] if rule in found else ""
            print(json.dumps(line), file=sys.stderr, flush=True)
            if address := os.environ.get("SERVICE_WEBHOOK", ""):
                Thread(target=_post, args=(address, line), daemon=True).start()
        if self._metrics is not None:
            self._metrics.alerts(set(found), self._on)
        self._on = set(found)

    def _trim(self, log: sqlite3.Connection) -> None:
        """Keep the newest rows, and never less than the largest window needs."""
        most = max(self._settings.log_rows, 2 * WINDOWS[-1][0])
        for table, rows in (("requests", most), ("predictions", most), ("labels", most)):
            newest = f"(SELECT MAX(number) FROM {table})"
            log.execute(f"DELETE FROM {table} WHERE number <= {newest} - ?", (rows,))
        log.execute(
            "DELETE FROM windows WHERE rowid <= (SELECT MAX(rowid) FROM windows) - ?", (MOST_WINDOWS,)
        )


def _request(record: Record) -> tuple[Any, ...]:
    stages = json.dumps({name: round(took, 3) for name, took in record.stages.items()})
    outcome = record.status, record.error[:200], record.rows, int(record.cached), int(record.fallback)
    return (record.time, record.id, record.version, record.arm, *outcome, round(record.total_ms, 3), stages)


def _post(address: str, line: dict[str, Any]) -> None:
    request = urllib.request.Request(address, json.dumps(line).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5):
            pass
    except (OSError, ValueError) as error:
        print(f"The alert could not be sent: {error}", file=sys.stderr)
