"""Rows of CSV, TSV and Parquet files.

Columns that bear the names of the inputs, whose cells may be lists, become these. Otherwise the columns of
numbers, in the order of the file or of `--columns`, become the one input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from serving.inputs import Array, Feed
from serving.rows import Row, Source
from serving.settings import Settings, Tensor

ROWS = 4096
"""Of Parquet that are read at once."""


def from_table(path: Path, settings: Settings, columns: Sequence[str], leave_out: Sequence[str]) -> Source:
    """Return the rows of a table.

    Raises:
        ValueError: It is none, or its columns are not those that the model takes.
    """
    binary = path.suffix.lower() == ".parquet"
    names = parquet.read_schema(path).names if binary else _open(path).schema.names
    chosen = _chosen(names, settings, columns, leave_out)

    def rows(start: int) -> Iterator[Row]:
        batches = (
            parquet.ParquetFile(path).iter_batches(ROWS, columns=chosen) if binary else _open(path, chosen)
        )
        done = 0
        for batch in batches:
            skipped = min(max(start - done, 0), batch.num_rows)
            kept, done = batch.slice(skipped), done + batch.num_rows
            for feed in _feeds(kept, settings, chosen):
                yield "", feed

    return Source(parquet.read_metadata(path).num_rows if binary else None, rows)


def _open(path: Path, chosen: Sequence[str] = ()) -> Any:
    """Open a CSV file; its cells stay text, so that one that is no number costs one row."""
    text = dict.fromkeys(chosen, pa.string())
    return csv.open_csv(
        path,
        parse_options=csv.ParseOptions(delimiter="\t" if path.suffix.lower() == ".tsv" else ","),
        convert_options=csv.ConvertOptions(column_types=text, include_columns=list(chosen)),
    )


def _chosen(
    names: Sequence[str], settings: Settings, columns: Sequence[str], leave_out: Sequence[str]
) -> list[str]:
    inputs = [spec.name for spec in settings.inputs]
    unknown = [name for name in (*columns, *leave_out) if name not in names]
    if unknown:
        raise ValueError(f"There is no column {', '.join(unknown)}. The columns are: {', '.join(names)}.")
    if not columns and set(inputs) <= set(names):
        return _once(inputs, names)
    if len(inputs) > 1:
        raise ValueError(f"Expected the columns {', '.join(inputs)}. The columns are: {', '.join(names)}.")
    chosen = list(columns) or [name for name in names if name not in leave_out]
    width = prod(size for size in _shape(settings, settings.inputs[0]) if size > 0)
    if len(chosen) != width:
        raise ValueError(
            f"The model takes {width} numbers a row, and these are {len(chosen)} columns: "
            f"{', '.join(chosen[:50])}. Choose them with --columns a,b or --leave-out label."
        )
    return _once(chosen, names)


def _once(chosen: list[str], names: Sequence[str]) -> list[str]:
    if twice := [name for name in dict.fromkeys(chosen) if names.count(name) > 1]:
        raise ValueError(f"Several columns are named {', '.join(twice)}. Give each a name of its own.")
    return chosen


def _shape(settings: Settings, spec: Tensor) -> list[int]:
    """Return the shape of a row; -1 for a size that a row chooses."""
    sizes = spec.shape[1:] if settings.batches.symbol is not None else spec.shape
    return [size if isinstance(size, int) else -1 for size in sizes]


def _feeds(batch: Any, settings: Settings, chosen: Sequence[str]) -> Iterator[Feed | str]:
    shapes = {spec.name: _shape(settings, spec) for spec in settings.inputs}
    if list(shapes) == list(chosen):
        cells = {name: _cells(batch.column(name)) for name in chosen}
    else:
        table = np.stack([_numbers(batch.column(name)) for name in chosen], axis=1)
        cells = {next(iter(shapes)): list(table)}
    for number in range(batch.num_rows):
        try:
            yield {name: values[number].reshape(shapes[name]) for name, values in cells.items()}
        except ValueError as error:
            yield str(error)


def _cells(column: Any) -> list[Array]:
    """Return an array for each cell: of a list its numbers."""
    nested = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if not nested and not pa.types.is_fixed_size_list(column.type):
        return list(_numbers(column).reshape(-1, 1))
    # `flatten` leaves out what a null would hold.
    lengths = (
        np.asarray(column.value_lengths().fill_null(0))
        if nested
        else column.type.list_size * np.asarray(column.is_valid())
    )
    flat, ends = column.flatten(), np.cumsum(lengths)
    deeper = _cells(flat) if pa.types.is_nested(flat.type) else _numbers(flat)
    return [np.ravel(deeper[end - length : end]) for length, end in zip(lengths, ends, strict=True)]


def _numbers(column: Any) -> Array:
    """Return the numbers of a column; NaN for what is none."""
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        if not column.null_count:
            return np.asarray(column.to_numpy(zero_copy_only=False))
    elif not (pa.types.is_floating(column.type) or pa.types.is_string(column.type)):
        raise ValueError(f"A column of the type {column.type} is no input: --leave-out NAME")
    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        return np.array([_number(cell) for cell in column.to_pylist()])


def _number(cell: str | None) -> float:
    try:
        return float(cell or "nan")
    except ValueError:
        return float("nan")
