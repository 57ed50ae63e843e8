"""Data preview: some rows as thumbnails or numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets.balance import balance
from core.datasets.images.normalization import ImageParams, PreparedImages, image_input
from core.domain.model import SourceModel
from core.protocols import Array, Prepared

COUNT = 8
SIDE = 160
NUMBERS = 16
OUTLINE = (255, 64, 64)
FILE = "preview/preview.json"


def write_preview(folder: Path, prepared: Prepared, model: SourceModel, rows: Array) -> list[str]:
    """Write `preview/preview.json`, and pictures beside it where the inputs are images.

    The JSON is ``{"kind": "images" | "numbers", "items": [{"label", "class", "file" | "values"}]}``, with the
    ``balance`` of the labels of all rows.

    Args:
        folder: Of the data set.
        prepared: All rows.
        model: Gives the order of the inputs.
        rows: Row numbers to show.

    Returns:
        The names of the files below `folder`.
    """
    (folder / "preview").mkdir(parents=True, exist_ok=True)
    first = prepared.inputs[model.inputs[0].name][rows]
    pictures = _pictures(first, prepared, model)
    items = [_item(prepared, int(row)) for row in rows]
    files = [FILE]
    for index, item in enumerate(items):
        if pictures is None:
            item["values"] = _numbers(first[index])
        else:
            name = f"preview/{index}.png"
            item["file"] = name
            files.append(name)
            labels = prepared.labels if prepared.boxes else None
            _save(pictures[index], folder / name, () if labels is None else _boxes(labels[rows[index]]))
    content = {
        "kind": "numbers" if pictures is None else "images",
        "items": items,
        "balance": balance(prepared),
    }
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")
    return files


def _item(prepared: Prepared, row: int) -> dict[str, object]:
    if prepared.labels is None:
        return {"label": None, "class": ""}
    if prepared.boxes:
        count = len(_boxes(prepared.labels[row]))
        return {"label": None, "class": f"{count} box" if count == 1 else f"{count} boxes"}
    if prepared.labels[row].size != 1:
        return {"label": None, "class": ""}
    if prepared.labels.dtype.kind == "f":
        return {"label": None, "class": f"{prepared.labels[row].item():.4g}"}
    label = int(prepared.labels[row])
    name = prepared.classes[label] if label < len(prepared.classes) else str(label)
    return {"label": label, "class": name}


def _numbers(row: Array) -> list[float | None]:
    return [value if isfinite(value) else None for value in row.reshape(-1)[:NUMBERS].tolist()]


def _pictures(values: Array, prepared: Prepared, model: SourceModel) -> NDArray[np.uint8] | None:
    """Return (n, height, width, 3) bytes, or None where the rows are no images."""
    if isinstance(prepared, PreparedImages) and prepared.pixels is not None:
        return prepared.pixels.restore(values)
    pixels = image_input(model, ImageParams(mean="none", std="none"))
    if pixels is None or values.shape[1:] != pixels.row or not len(values):
        return None
    # Nobody said how these were scaled: stretch what is there from black to white.
    low, high = float(values.min()), float(values.max())
    spread = (values.astype(np.float32) - low) / (high - low or 1.0)
    return pixels.restore(spread * np.float32(pixels.span) + np.float32(pixels.low))


def _boxes(labels: Array) -> Array:
    """Return the corners of the boxes (n, 4) of one row."""
    return labels[labels[:, 5] >= 0, :4]


def _save(picture: NDArray[np.uint8], path: Path, boxes: Iterable[Array]) -> None:
    """Write a thumbnail with the outlines of `boxes`."""
    from PIL import Image, ImageDraw

    small = Image.fromarray(picture)
    small.thumbnail((SIDE, SIDE))
    scale = np.array([small.width / picture.shape[1], small.height / picture.shape[0]] * 2)
    for corners in boxes:
        ImageDraw.Draw(small).rectangle([round(each) for each in corners * scale], outline=OUTLINE)
    small.save(path, format="PNG")
