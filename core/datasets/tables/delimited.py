"""Tables of numbers: CSV and TSV with a column of labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.datasets import stratified
from core.datasets.arrays.layout import cast, dims, row_fits
from core.datasets.images.normalization import CHUNK, ImageParams, Pixels, PreparedImages, image_input
from core.datasets.label_kinds import for_model
from core.datasets.labels import IGNORED, Labels, listed, parse_names
from core.datasets.tables.reader import delimiter_of, first_lines, numbers, read_table, texts_or_numbers
from core.domain.model import SourceModel, TensorSpec
from core.errors import DataMismatch, InvalidRequest
from core.params import setting
from core.protocols import Array, DataFormat

if TYPE_CHECKING:
    import pandas as pd

WIDEST = 8
"""Bytes of one number while columns are put together."""
LABELS = ("label", "labels", "target", "class", "species", "y", "category", "outcome", "diagnosis")
CLEAR = 5
"""So many of the names leave no doubt, whatever the number of columns."""


@dataclass(frozen=True)
class TableParams:
    """How columns become inputs and labels."""

    label: str = setting(
        "auto", "Label column", help="Its name, auto to find it, or none where every column is an input."
    )
    class_names: str = setting("", "Class names", help="In the order of the model's outputs, with commas.")
    scale: str = setting(
        "auto",
        "Pixel range",
        help="For models of images: range that pixels 0 to 255 are mapped to.",
        choices=("auto", "0..1", "0..255", "-1..1"),
    )
    mean: str = setting("auto", "Mean", help="For models of images: auto, none, or one number per channel.")
    std: str = setting("auto", "Standard deviation", help="For models of images: auto, none, or numbers.")
    max_samples: int | None = setting(None, "Rows at most", help="Empty takes all.", low=4, high=10_000_000)


class Table(DataFormat):
    """CSV and TSV, with or without a header."""

    id = "csv"
    name = "tables in UTF-8 (.csv, .tsv)"
    order = 30
    suffixes = (".csv", ".tsv")
    Params = TableParams

    def recognizes(self, path: Path) -> bool:
        """Whether the first lines are text with the same delimiters, or at least text under our suffix."""
        if not path.is_file():
            return False
        return delimiter_of(path) is not None or (
            path.suffix.lower() in self.suffixes and bool(first_lines(path))
        )

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: TableParams) -> PreparedImages:
        """Return the columns of numbers as the model's input, and the column of labels as classes.

        Raises:
            InputError: Damaged, not numbers, or another number of columns than the model takes.
        """
        del folder  # tables are small enough for memory
        spec = _only_input(model)
        frame = read_table(path)
        width = math.prod(spec.resolve(model.symbols)[1:])
        label = _label_column(list(frame.columns), width, params.label)
        columns = [name for name in frame.columns if name != label]
        _check_width(columns, width, spec, label)
        labels = _labels(frame, label, model, params)
        rows = stratified.balanced(
            labels.indices if labels else None,
            len(frame),
            stratified.limit(len(frame), WIDEST * width, params.max_samples),
        )
        values = np.stack([numbers(frame, name) for name in columns], axis=1)[rows]
        array, notes, pixels = _shaped(values, spec, model, params)
        about = {"Table": f"{len(frame):,} rows; inputs: {listed(tuple(columns))}"}
        about |= {"Label column": label} if label else {"Labels": "none"}
        about |= labels.notes if labels else IGNORED if label else {}
        return PreparedImages(
            inputs={spec.name: array},
            labels=labels.indices[rows] if labels else None,
            classes=labels.classes if labels else (),
            preparation=about | stratified.describe(len(rows), len(frame), labels is not None) | notes,
            pixels=pixels,
            label_classes=labels.count if labels else None,
        )


def _only_input(model: SourceModel) -> TensorSpec:
    if len(model.inputs) != 1:
        raise DataMismatch(
            f"A table holds one input, but the model takes {len(model.inputs)}.",
            hint="Give an .npz file with one array per input.",
        )
    return model.inputs[0]


def _label_column(columns: list[str], width: int, wanted: str) -> str | None:
    if wanted == "none":
        return None
    if wanted not in ("auto", ""):
        if wanted not in columns:
            raise InvalidRequest(
                f"There is no column {wanted!r}.", hint=f"The columns are: {listed(tuple(columns))}."
            )
        return wanted
    # A table of as many columns as the model takes may well call its second one y.
    names = LABELS[:CLEAR] if len(columns) == width else LABELS
    named = next((column for name in names for column in columns if column.lower() == name), None)
    return named if len(columns) == width else named or columns[-1]


def _check_width(columns: list[str], width: int, spec: TensorSpec, label: str | None) -> None:
    if len(set(columns)) != len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise DataMismatch(f"The column {twice!r} is there twice.", hint="Give every column its own name.")
    if len(columns) == width:
        return
    beside = f" beside the label column {label!r}" if label else ""
    extra = (
        "Remove columns that are no inputs, such as an id" if len(columns) > width else "Add the missing ones"
    )
    raise DataMismatch(
        f"The table has {len(columns)} columns{beside}, but the model's input {spec.name!r} takes {width}.",
        hint=f"{extra}, or choose the label column. The columns are: {listed(tuple(columns))}.",
    )


def _labels(frame: pd.DataFrame, label: str | None, model: SourceModel, params: TableParams) -> Labels | None:
    if label is None:
        return None
    return for_model(texts_or_numbers(frame, label), model, parse_names(params.class_names))


def _shaped(
    values: Array, spec: TensorSpec, model: SourceModel, params: TableParams
) -> tuple[Array, dict[str, str], Pixels | None]:
    wanted = spec.resolve(model.symbols)[1:]
    pixels = image_input(model, ImageParams(scale=params.scale, mean=params.mean, std=params.std))
    if pixels is not None and _are_pixels(values):
        return (
            _images(values, pixels),
            {"Images": f"columns as {dims(wanted)}"} | pixels.describe(),
            pixels,
        )
    array = cast(values, spec)
    note = {spec.name: f"{values.shape[1]} columns in the order of the file, taken as they are"}
    return (array if row_fits(array.shape[1:], spec) else array.reshape(len(array), *wanted)), note, None


def _are_pixels(values: Array) -> bool:
    """Whether these are bytes; whole numbers up to 16 are some other scale, such as that of digits."""
    whole = bool((values == np.floor(values)).all())
    return whole and values.min() >= 0 and 16 < values.max() <= 255


def _images(values: Array, pixels: Pixels) -> Array:
    out = np.empty((len(values), *pixels.row), pixels.dtype)
    for start in range(0, len(values), CHUNK):
        raw = values[start : start + CHUNK].astype(np.uint8).reshape(-1, *pixels.row)
        out[start : start + len(raw)] = pixels.values(raw.transpose(0, 2, 3, 1) if pixels.first else raw)
    return out


DATASET = Table()
