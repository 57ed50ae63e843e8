"""True labels of predictions that were logged, by the id of their requests.

python -m serving.labels LABELS.csv    columns id, label (number or name of a class) and, where requests had
                                       several rows, row
"""

from __future__ import annotations

import argparse
import csv
import json
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

from serving.database import log_file, opened
from serving.errors import Refused, invalid
from serving.settings import Settings

Given = tuple[str, int, Any]
"""Id of a request, row, label."""
MOST_CLASSES = 1 << 31


def add_labels(log: sqlite3.Connection, given: Iterable[Given], settings: Settings) -> int:
    """Add true labels; return how many belong to predictions that are kept and had none.

    Raises:
        Refused: There is no such class.
    """
    numbers, most = {name: index for index, name in enumerate(settings.classes)}, _classes(settings)
    rows = [(id, row, _number(label, numbers, most)) for id, row, label in given]
    log.execute("BEGIN IMMEDIATE")
    with log:
        return sum(_added(log, *each) for each in rows)


def _classes(settings: Settings) -> int:
    """Return how many classes there are: as many as scores of a row, else as many as have names."""
    widths = [spec.shape[1] for spec in settings.outputs if spec.name == settings.scores]
    known = next((width for width in widths if isinstance(width, int)), len(settings.classes))
    return known or MOST_CLASSES


def labels_from(body: bytes) -> list[Given]:
    """Return the labels of ``{"labels": [{"id": …, "label": …, "row": 0}]}``.

    Raises:
        Refused: It is something else.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid("expected JSON") from error
    rows = document.get("labels") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise invalid('expected {"labels": [{"id": "…", "label": 3}]}')
    return [_given(each) for each in rows]


def _given(each: dict[str, Any]) -> Given:
    id, label, row = each.get("id"), each.get("label"), each.get("row", 0)
    if not isinstance(id, str) or not isinstance(label, str | int) or not isinstance(row, int):
        raise invalid("expected an id, a label and, for requests of several rows, a row", "labels")
    if not id.isascii():
        raise invalid("expected an id as the header X-Request-Id gave it", "labels")
    if not 0 <= row < MOST_CLASSES:
        raise invalid("expected the number of a row, from 0", "labels")
    return id, row, label


def _number(label: Any, numbers: dict[str, int], most: int) -> int:
    if isinstance(label, str) and label in numbers:
        return numbers[label]
    try:
        found = int(label)
    except ValueError as error:
        raise invalid(f"there is no class {label[:80]!r}", "labels") from error
    if not 0 <= found < most:
        raise invalid(f"there is no class {found}: they are 0 to {most - 1}", "labels")
    return found


def _added(log: sqlite3.Connection, id: str, row: int, label: int) -> bool:
    asked = (
        "SELECT number, stream, class FROM predictions WHERE id = ? AND row = ? AND class IS NOT NULL "
        "AND number NOT IN (SELECT prediction FROM labels)"
    )
    found = log.execute(asked, (id, row)).fetchone()
    if found is None:
        return False
    number, stream, predicted = found
    counted = "UPDATE streams SET labelled = labelled + 1 WHERE stream = ? RETURNING labelled"
    (place,) = log.execute(counted, (stream,)).fetchone()
    values = time(), number, stream, place - 1, label, int(label == predicted)
    log.execute("INSERT INTO labels VALUES (NULL, ?, ?, ?, ?, ?, ?)", values)
    return True


def main() -> int:
    """Add the labels of a file."""
    parser = argparse.ArgumentParser(description="Add true labels to the prediction log.")
    parser.add_argument("file", type=Path, help="CSV with the columns id, label and perhaps row")
    path, settings = parser.parse_args().file, Settings.read()
    try:
        with path.open(encoding="utf8", newline="") as file, closing(opened(log_file())) as log:
            given = [(each["id"], int(each.get("row") or 0), each["label"]) for each in csv.DictReader(file)]
            kept = add_labels(log, given, settings)
    except (Refused, KeyError, ValueError) as error:
        parser.error(f"{path} cannot be used: {error}")
    print(f"{kept:,} of {len(given):,} labels belong to predictions that are kept and had none.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
