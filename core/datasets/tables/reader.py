"""Reading CSV and TSV, with errors that name the line, row or column."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.complaints import complaint
from core.errors import CorruptFile, DataMismatch, TooLarge
from core.protocols import Array

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = (",", "\t", ";", "|")
PEEK = 1024**2
MAX_BYTES = 1024**3
MAX_COLUMNS = 200_000
MISSING = ("", "nan", "NaN", "NAN", "na", "NA", "N/A", "null", "NULL", "?")


def first_lines(path: Path) -> list[str]:
    """Return up to 20 lines that are not empty; none where the file is no text in UTF-8."""
    with path.open("rb") as file:
        start = file.read(PEEK)
    if b"\x00" in start:
        return []
    try:
        # The peek may cut a character in two, so its last line does not count.
        text = (start if len(start) < PEEK else start[: start.rfind(b"\n") + 1]).decode("utf-8-sig")
    except UnicodeDecodeError:
        return []
    lines = [line for line in text.splitlines() if line.strip()][:20]
    return lines if all(line.replace("\t", "").isprintable() for line in lines) else []


def delimiter_of(path: Path) -> str | None:
    """Return the character that parts the first lines into as many cells each, or None."""
    lines = first_lines(path)
    for delimiter in DELIMITERS:
        try:
            cells = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        except csv.Error:
            return None
        if len(lines) > 1 and len(cells) == 1 and cells.pop() > 1:
            return delimiter
    return None


def read_table(path: Path) -> pd.DataFrame:
    """Return the table at `path`; its columns are named, by the first line or by number.

    Raises:
        CorruptFile: Not readable.
        TooLarge: Over `MAX_BYTES`.
        DataMismatch: No rows, or too many columns.
    """
    size, delimiter = path.stat().st_size, delimiter_of(path)
    if size > MAX_BYTES:
        raise TooLarge(
            f"The table has {size / 1024**3:.1f} GiB; the limit is 1 GiB.", hint="Give fewer rows."
        )
    if delimiter is None and not any(mark in line for line in first_lines(path) for mark in DELIMITERS):
        delimiter = DELIMITERS[0]  # one column
    if delimiter is None:
        raise CorruptFile(
            "The table's first lines have no common delimiter.",
            hint="Save it as CSV in UTF-8 with the same number of cells in every line.",
        )
    frame = _parsed(path, delimiter)
    frame.columns = [_column(name) for name in frame.columns]
    if not len(frame) or frame.shape[1] > MAX_COLUMNS:
        raise DataMismatch(
            f"The table has {len(frame)} rows and {frame.shape[1]} columns.", hint="Give one row per sample."
        )
    return frame


def _parsed(path: Path, delimiter: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(
            path,
            sep=delimiter,
            header=0 if _has_header(path, delimiter) else None,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=list(MISSING),
            skipinitialspace=True,
            low_memory=False,
        )
    except (ValueError, OverflowError, RecursionError) as error:  # ParserError and Unicode errors among them
        raise CorruptFile(
            f"The table cannot be read: {complaint(' '.join(str(error).split()) or type(error).__name__)}.",
            hint="Save it again as CSV in UTF-8.",
        ) from error


def _has_header(path: Path, delimiter: str) -> bool:
    """Whether no cell of the first line is a number."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next(csv.reader(file, delimiter=delimiter))
    return not any(_is_number(cell) for cell in first)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _column(name: object) -> str:
    return f"column {name + 1}" if isinstance(name, int) else str(name).strip()


def numbers(frame: pd.DataFrame, name: str) -> Array:
    """Return a column as float64.

    Raises:
        DataMismatch: A cell is missing or no number; the message names row and column.
    """
    import pandas as pd

    column = frame[name]
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataMismatch(
            f"Row {int(missing.argmax()) + 1} has no value in the column {name!r}.",
            hint="Fill or remove rows with missing values.",
        )
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(bad.argmax())
        raise DataMismatch(
            f"The column {name!r} holds {str(column.iloc[row])[:40]!r} in row {row + 1}, which is no number.",
            hint="Remove the column or encode it as the model was trained; or choose it as the label column.",
        )
    return numbers


def texts_or_numbers(frame: pd.DataFrame, name: str) -> Array:
    """Return a column of labels as numbers or texts.

    Raises:
        DataMismatch: A cell is empty; the message names the row.
    """
    column = frame[name]
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataMismatch(
            f"Row {int(missing.argmax()) + 1} has no label in the column {name!r}.",
            hint="Fill or remove rows without a label.",
        )
    raw = column.to_numpy()
    return raw if raw.dtype.kind in "biuf" else raw.astype(str)
