"""COCO: a JSON of images, categories and annotations, beside the image files.

The format is described at cocodataset.org/#format-data: a box is x, y, width, height from the upper left
corner in pixels; a crowd is an area of many objects, in which detections count neither way.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec
import numpy as np

from core.complaints import complaint
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

MARKS = (b'"images"', b'"annotations"', b'"categories"')
MOST_FILES = 50
"""Of JSON that are looked into."""
Id = int | str


class _Image(msgspec.Struct):
    id: Id
    file_name: str
    width: float | None = None
    height: float | None = None


class _Annotation(msgspec.Struct):
    image_id: Id
    category_id: int | None = None
    bbox: list[float] | None = None
    iscrowd: int | bool = 0


class _Category(msgspec.Struct):
    id: int
    name: str = ""


class _Coco(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class CocoParams(BoxParams):
    """How images with annotations become inputs and boxes."""


class Coco(BoxFormat):
    """Images with a JSON of annotations."""

    id = "coco"
    name = "COCO (a folder or .zip of images and a .json of boxes)"
    order = 14
    Params = CocoParams

    def annotates(self, files: Files) -> bool:
        """Whether there are images and a JSON that looks like COCO's."""
        return any(map(is_image, files.names())) and bool(_annotations(files))

    def read(self, files: Files) -> Found:
        """Return the images of the JSON that are there.

        Raises:
            InputError: There is no such JSON, or it is damaged or says what cannot be.
        """
        found = _annotations(files)
        if not found:
            raise DataMismatch(
                "There is no JSON with images, annotations and categories inside.",
                hint="Put COCO's annotations (.json) beside the images.",
            )
        coco = _read(files, found[0])
        names = {category.id: category.name or str(category.id) for category in coco.categories}
        _check(coco, names)
        images, notes = _joined(coco, files, found[0], names)
        return Found(images, names, {"Annotations": found[0]} | notes)


def _annotations(files: Files) -> list[str]:
    """Return the JSON files that look like COCO's, the one of the split to evaluate on first."""
    named = [name for name in files.names() if name.lower().endswith(".json")]
    named.sort(key=lambda name: (_split(name), "instances" not in name.lower(), name))
    return [name for name in named[:MOST_FILES] if _looks_right(files.read(name))]


def _looks_right(data: bytes) -> bool:
    return all(mark in data for mark in MARKS)


def _split(name: str) -> int:
    parts = re.split(r"[^a-z]+", name.lower())
    return min((SPLITS.index(part) for part in parts if part in SPLITS), default=len(SPLITS))


def _read(files: Files, name: str) -> _Coco:
    try:
        return msgspec.json.decode(files.read(name), type=_Coco)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CorruptFile(
            f"{name} is not COCO's format: {complaint(error)}.",
            hint="Export the annotations again; NaN is no number in JSON.",
        ) from error


def _check(coco: _Coco, names: dict[int, str]) -> None:
    """Refuse what has no meaning.

    Raises:
        DataMismatch: What, and how many.
    """
    if not coco.images or not coco.annotations or not names:
        raise DataMismatch(
            f"The annotations hold {len(coco.images):,} images, {len(coco.annotations):,} annotations and "
            f"{len(names):,} categories.",
            hint="Give some of each.",
        )
    for what, ids in (("images", coco.images), ("categories", coco.categories)):
        twice = [each for each, count in Counter(item.id for item in ids).items() if count > 1]
        if twice:
            raise DataMismatch(f"Two {what} have the id {twice[0]}.", hint="Give each an id of its own.")
    wrong = [number for number in names if not 0 <= number < LARGEST_NUMBER]
    if wrong:
        raise DataMismatch(f"A category has the id {wrong[0]}.", hint="Number categories from 0 or 1.")


def _joined(
    coco: _Coco, files: Files, where: str, names: dict[int, str]
) -> tuple[list[Annotated], dict[str, str]]:
    """Return the images that are there with their boxes, and what was left out.

    Raises:
        DataMismatch: No image is there, or no annotation is of one of them.
    """
    there = _Names(files, where)
    by_image: dict[Id, list[list[float]]] = {image.id: [] for image in coco.images}
    lost: Counter[str] = Counter()
    for annotation in coco.annotations:
        if annotation.image_id not in by_image:
            lost["annotations of images that are not listed"] += 1
        elif annotation.category_id not in names:
            lost["annotations of categories that are not listed"] += 1
        elif annotation.bbox is None:
            lost["annotations without a box"] += 1
        else:
            by_image[annotation.image_id].append(_row(annotation, annotation.bbox))
    found: dict[str, Annotated] = {}
    for image in coco.images:
        name = there.find(image.file_name)
        if name is None or name in found:
            lost["listed images that are not there" if name is None else "images listed twice"] += 1
            continue
        found[name] = Annotated(name, _boxes(by_image[image.id]), _size(image))
    lost["images without an entry"] = len(there.images) - len(found)
    if not found or not any(len(image.boxes) for image in found.values()):
        counts = "; ".join(f"{count:,} {what}" for what, count in lost.items() if count)
        raise DataMismatch(
            f"No listed image with a box is among the files ({counts or 'no box at all'}).",
            hint="Give the images under the names that the annotations have, and boxes (bbox) for them.",
        )
    told = "; ".join(f"{count:,} {what}" for what, count in lost.items() if count)
    return list(found.values()), {"Left out": told} if told else {}


def _row(annotation: _Annotation, box: list[float]) -> list[float]:
    if len(box) != 4 or not np.isfinite(box).all():
        raise DataMismatch(
            f"An annotation of the image {annotation.image_id} has the box {str(box)[:80]}.",
            hint="A box is x, y, width and height, four finite numbers.",
        )
    x, y, width, height = box
    return [x, y, x + width, y + height, float(bool(annotation.iscrowd)), float(annotation.category_id or 0)]


def _boxes(rows: list[list[float]]) -> Floats:
    return np.array(rows, np.float64).reshape(-1, 6)


def _size(image: _Image) -> tuple[int, int] | None:
    if not image.width or not image.height:
        return None
    return round(image.width), round(image.height)


class _Names:
    """Finds the file that annotations mean: by the end of its path, never by opening what they name."""

    def __init__(self, files: Files, where: str) -> None:
        self.images = [name for name in files.names() if is_image(name)]
        self._beside, self._part = PurePosixPath(where).parent, _split(where)
        self._named: dict[str, list[str]] = {}
        for name in self.images:
            self._named.setdefault(PurePosixPath(name).name, []).append(name)

    def find(self, stated: str) -> str | None:
        """Return the name of the file that `stated` means, None where there is none."""
        parts = PurePosixPath(stated.replace("\\", "/")).parts
        likely = self._named.get(parts[-1], []) if parts else []
        return max(likely, key=lambda name: self._fit(name, parts), default=None)

    def _fit(self, name: str, parts: tuple[str, ...]) -> tuple[int, bool, bool]:
        own = PurePosixPath(name).parts
        pairs = zip(reversed(own), reversed(parts), strict=False)
        same = next((depth for depth, (one, other) in enumerate(pairs) if one != other), len(parts))
        return same, PurePosixPath(name).parent == self._beside, _split(name) == self._part


DATASET = Coco()
