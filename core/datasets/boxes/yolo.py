"""YOLO: a text file of boxes for each image, with corners as shares of the image.

A line is the class number from 0, then centre x and y, width and height (docs.ultralytics.com describes it),
or the class and the points of an outline, whose box is taken. An image without a text file has no boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

import numpy as np

from core.datasets.boxes.annotated import (
    LARGEST_NUMBER,
    Annotated,
    BoxFormat,
    BoxParams,
    Floats,
    Found,
    is_image,
)
from core.datasets.images.files import Files
from core.datasets.images.folders import SPLITS
from core.errors import CorruptFile, DataMismatch

LOOKED_AT = 20
"""Text files that tell what all are; captions of images are no boxes."""
BEYOND = 1.1
"""Shares of the image beyond this are no rounding: they are pixels."""
LISTS = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")


@dataclass(frozen=True)
class YoloParams(BoxParams):
    """How images with text files become inputs and boxes."""


class Yolo(BoxFormat):
    """Images with a text file each."""

    id = "yolo"
    name = "YOLO (a folder or .zip of images, with a .txt of boxes for each)"
    order = 16
    Params = YoloParams

    def annotates(self, files: Files) -> bool:
        """Whether images have text files of boxes of their name, beside them or in a folder of labels."""
        texts = (files.read(text) for text in islice(_pairs(files.names()).values(), LOOKED_AT))
        lines = [line for text in texts for line in text.decode(errors="replace").splitlines()]
        return bool(lines) and all(_numbers(line) is not None for line in lines if line.strip())

    def read(self, files: Files) -> Found:
        """Return the images of the split to evaluate on.

        Raises:
            InputError: There are no text files or boxes, or a line cannot be.
        """
        pairs = _pairs(files.names())
        if not pairs:
            raise DataMismatch(
                "No image has a text file of its name inside.",
                hint="Put the labels beside the images, or in a folder labels beside the folder images.",
            )
        kept, notes = _one_split(files.names(), pairs)
        images = [Annotated(name, _boxes(files, pairs.get(name)), shares=True) for name in kept]
        if not any(len(image.boxes) for image in images):
            raise DataMismatch("None of the text files has a box.", hint="Give images with boxes.")
        return Found(images, _names(files, images), notes)


def _pairs(names: list[str]) -> dict[str, str]:
    """Return the text file of each image that has one."""
    texts = {name for name in names if name.lower().endswith(".txt")}
    found = {}
    for name in filter(is_image, names) if texts else ():
        path = PurePosixPath(name).with_suffix(".txt")
        folders = ["labels" if part == "images" else part for part in path.parts]
        found[name] = next((each for each in (str(PurePosixPath(*folders)), str(path)) if each in texts), "")
    return {name: text for name, text in found.items() if text}


def _one_split(names: list[str], pairs: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the images of the split to evaluate on, where folders name splits."""
    images = [name for name in names if is_image(name)]
    parts = {name: _split(name) for name in images}
    best = min((parts[name] for name in pairs), default=len(SPLITS))
    kept = [name for name in images if parts[name] == best]
    return kept, {"Split": f"the folder {SPLITS[best]}"} if best < len(SPLITS) else {}


def _split(name: str) -> int:
    parts = [part.lower() for part in PurePosixPath(name).parts[:-1]]
    return min((SPLITS.index(part) for part in parts if part in SPLITS), default=len(SPLITS))


def _boxes(files: Files, name: str | None) -> Floats:
    """Return the boxes of one text file (n, 6).

    Raises:
        CorruptFile: It is no text, or a line is none that YOLO knows.
    """
    if name is None:
        return np.zeros((0, 6))
    try:
        lines = files.read(name).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{name} is no text.", hint="Export the labels again.") from error
    rows = [_row(name, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return np.array(rows, np.float64).reshape(-1, 6)


def _row(name: str, number: int, line: str) -> list[float]:
    values = _numbers(line)
    if values is None:
        raise CorruptFile(
            f"Line {number} of {name} is {line[:60]!r}.",
            hint="A line is the class number, then centre x and y, width and height as shares of the image.",
        )
    points = values[1:]
    if np.abs(points).max() > BEYOND:
        raise DataMismatch(
            f"Line {number} of {name} is {line[:60]!r}: numbers beyond 1 are no shares of the image.",
            hint="Divide x and width by the width of the image, y and height by its height.",
        )
    if len(points) > 4:
        box = [*points.reshape(-1, 2).min(axis=0), *points.reshape(-1, 2).max(axis=0)]
    else:
        (x, y), half = points[:2], points[2:] / 2
        box = [x - half[0], y - half[1], x + half[0], y + half[1]]
    return [*map(float, box), 0.0, float(values[0])]


def _numbers(line: str) -> Floats | None:
    """Return the class number and what follows: four numbers, or the points of an outline; else None."""
    try:
        values = np.array(line.split(), np.float64)
    except ValueError:
        return None
    counted = len(values) == 5 or (len(values) >= 7 and len(values) % 2 == 1)
    if not counted or not np.isfinite(values).all() or not 0 <= values[0] < LARGEST_NUMBER:
        return None
    return values if values[0] == int(values[0]) else None


def _names(files: Files, images: list[Annotated]) -> dict[int, str]:
    """Return the name of every class: those listed, and numbers for others that are there."""
    there = {name.rpartition("/")[2]: name for name in reversed(files.names())}
    listed = next((there[each] for each in LISTS if each in there), None)
    known = {} if listed is None else _listed(files, listed)
    seen = {int(number) for image in images for number in np.unique(image.boxes[:, 5])}
    return {number: known.get(number, str(number)) for number in sorted(seen | set(known))}


def _listed(files: Files, name: str) -> dict[int, str]:
    """Return class names by number; none where the list is of another form."""
    import yaml

    try:
        text = files.read(name).decode("utf-8-sig")
        if not name.lower().endswith(("yaml", "yml")):
            return dict(enumerate(filter(None, map(str.strip, text.splitlines()))))
        found = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return {}
    names = found.get("names") if isinstance(found, dict) else None
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else ()
    plain = {number: str(each) for number, each in pairs if isinstance(each, str | int | float)}
    return {
        number: each for number, each in plain.items() if type(number) is int and 0 <= number < LARGEST_NUMBER
    }


DATASET = Yolo()
