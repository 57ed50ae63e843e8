"""Annotated images: their boxes move with the pixels into the model's input."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.archives.zips import is_zip
from core.datasets import stratified
from core.datasets.images.decoding import SUFFIXES
from core.datasets.images.files import Files, open_files
from core.datasets.images.normalization import (
    ImageParams,
    PreparedImages,
    image_input,
    origin,
    with_known_preprocessing,
)
from core.datasets.images.reading import read_all, skipped
from core.datasets.images.transforms import Placement, describe
from core.datasets.labels import IGNORED, listed
from core.domain.model import DETECTION, SourceModel
from core.errors import DataMismatch, InputError
from core.params import setting
from core.protocols import Array, DataFormat

Floats = NDArray[np.float64]
MOST_BOXES = 2000
"""In one image: matching compares each with all detections."""
MOST_BYTES = 256 * 1024**2
LARGEST_NUMBER = 2**31
AUTO, IDS, FROM_0, FROM_1 = "auto", "as in the data", "from 0", "from 1"


@dataclass(frozen=True)
class BoxParams(ImageParams):
    """How annotated images become inputs and boxes."""

    class_numbers: str = setting(
        AUTO,
        "Class numbers",
        help="How the model numbers classes: as the data do, or in their order from 0, or from 1 where 0 is "
        "the background. auto takes what lets your model find most.",
        choices=(AUTO, IDS, FROM_0, FROM_1),
    )


@dataclass(frozen=True)
class Annotated:
    """An image with its boxes.

    Attributes:
        name: Of the file.
        boxes: Corners x1, y1, x2, y2 in pixels of the image, or as shares of it, then 1 for a crowd, then the
            class number of the data (n, 6).
        size: Width and height that the annotations are for; None where they do not say.
        shares: Corners are shares of the image.
    """

    name: str
    boxes: Floats
    size: tuple[int, int] | None = None
    shares: bool = False


@dataclass(frozen=True)
class Found:
    """What annotations hold.

    Attributes:
        images: With their boxes.
        names: Class name by the number of the data.
        notes: What is known of the data, for the page.
    """

    images: Sequence[Annotated]
    names: dict[int, str]
    notes: dict[str, str]


class BoxFormat(DataFormat):
    """A folder or zip of images with boxes; each format reads its own annotations."""

    suffixes: ClassVar[tuple[str, ...]] = (".zip",)
    from_files: ClassVar[bool] = True

    def recognizes(self, path: Path) -> bool:
        """Whether the folder or zip holds images and annotations of this format."""
        if not (path.is_dir() or (path.is_file() and is_zip(path))):
            return False
        try:
            return self.annotates(open_files(path))
        except InputError:
            return False

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: BoxParams) -> PreparedImages:
        """Return the annotated images in the model's size, with their boxes.

        Raises:
            InputError: Damaged or unsafe files, annotations that cannot be, or a model that takes no images.
        """
        files = open_files(path)
        return prepared(files, self.read(files), model, params, folder)

    @abstractmethod
    def annotates(self, files: Files) -> bool:
        """Whether some of `files` are images with annotations of this format."""

    @abstractmethod
    def read(self, files: Files) -> Found:
        """Return what the annotations hold.

        Raises:
            InputError: They are missing, damaged, or cannot be.
        """


def is_image(name: str) -> bool:
    """Whether a file is named like an image."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def prepared(
    files: Files, found: Found, model: SourceModel, params: BoxParams, folder: Path
) -> PreparedImages:
    """Return annotated images as rows of the model.

    Raises:
        InputError: The model takes no images, or these or their boxes cannot be used.
    """
    detects = model.task in (DETECTION, "other")
    told = replace(model, task=DETECTION) if detects else model
    params = with_known_preprocessing(params, told)
    pixels = image_input(told, params)
    if pixels is None:
        raise DataMismatch(
            "The data are images with boxes, but the model does not take one image.",
            hint="Choose data that belongs to this model.",
        )
    images, names = found.images, found.names
    most = stratified.limit(len(images), pixels.row_bytes, params.max_samples)
    taken = [images[row] for row in stratified.balanced(None, len(images), most)]
    sizes = [each.size for each in taken]
    array, places = read_all(files, [each.name for each in taken], pixels, params, folder, sizes)
    kept, lost = [], 0
    for position, place in places.items():
        boxes = _moved(taken[position], place, pixels.width, pixels.height)
        kept.append(boxes)
        lost += len(taken[position].boxes) - len(boxes)
    columns, how = numbering(sorted(names), params.class_numbers)
    notes = (
        found.notes | stratified.describe(len(taken), len(images), False) | skipped(len(taken) - len(places))
    )
    classes = listed(tuple(names[number] for number in sorted(names)))
    notes |= {"Boxes": _counted(kept, lost), "Classes": f"{classes} ({how})"} if detects else IGNORED
    notes |= {"Resized": describe(pixels.height, pixels.width, params)}
    return PreparedImages(
        inputs={pixels.name: array},
        labels=_labels(kept, columns) if detects else None,
        preparation=notes | pixels.describe() | origin(model),
        pixels=pixels,
        boxes=detects,
        box_classes=tuple((names[each], tuple(way[each] for way in columns)) for each in sorted(names)),
    )


def numbering(numbers: Sequence[int], wanted: str) -> tuple[list[dict[int, int]], str]:
    """Return the ways in which a model may count the class `numbers` of the data, and how in words.

    Detectors of one data set do it in all of these ways: torchvision's by COCO's ids, which have gaps, those
    with a background from 1, YOLO's from 0.
    """
    ways = {
        IDS: {number: number for number in numbers},
        FROM_0: {number: index for index, number in enumerate(numbers)},
        FROM_1: {number: index + 1 for index, number in enumerate(numbers)},
    }
    if wanted != AUTO:
        return [ways[wanted]], f"numbered {wanted}"
    different = [way for index, way in enumerate(ways.values()) if way not in list(ways.values())[:index]]
    return different, "numbered as lets your model find most: as in the data, from 0 or from 1"


def _moved(image: Annotated, place: Placement, width: int, height: int) -> Floats:
    """Return the boxes in the input, cut at its edges; those of which nothing is left are left out.

    Raises:
        DataMismatch: The annotations are for an image of another size.
    """
    if image.size not in (None, place.size):
        have, want = (f"{size[0]} x {size[1]}" for size in (place.size, image.size or place.size))
        raise DataMismatch(
            f"The image {image.name} has {have} pixels, but its annotations are for {want}.",
            hint="Give the images that were annotated.",
        )
    unit = np.array(place.size * 2) if image.shares else 1.0
    corners = place.moved(image.boxes[:, :4] * unit)
    inside = np.clip(corners, 0, np.array([width, height] * 2))
    there = (inside[:, 2:] > inside[:, :2]).all(axis=1)
    return np.concatenate([inside, image.boxes[:, 4:]], axis=1)[there]


def _counted(kept: Sequence[Floats], lost: int) -> str:
    total, empty = sum(map(len, kept)), sum(not len(boxes) for boxes in kept)
    crowds = sum(int(boxes[:, 4].sum()) for boxes in kept)
    told = [f"{total:,} in {len(kept):,} images"]
    told += [f"{empty:,} images have none"] if empty else []
    told += [f"{crowds:,} are crowds, which count neither way"] if crowds else []
    told += [f"{lost:,} left out, as they have no area inside the picture"] if lost else []
    return "; ".join(told)


def _labels(kept: Sequence[Floats], columns: Sequence[dict[int, int]]) -> Array:
    """Return boxes as `core.protocols.datasets.Prepared` has them.

    Raises:
        DataMismatch: There are more than can be worked with.
    """
    most = max(1, max(map(len, kept), default=0))
    width = 5 + len(columns)
    if most > MOST_BOXES or 8 * most * width * len(kept) > MOST_BYTES:
        raise DataMismatch(
            f"There are up to {most:,} boxes in an image, in {len(kept):,} images: more than can be held.",
            hint=f"Give images with up to {MOST_BOXES:,} boxes, or fewer of them (Samples at most).",
        )
    labels = np.zeros((len(kept), most, width))
    labels[:, :, 5:] = -1
    for row, boxes in enumerate(kept):
        labels[row, : len(boxes), :5] = boxes[:, :5]
        for column, way in enumerate(columns):
            labels[row, : len(boxes), 5 + column] = [way[int(number)] for number in boxes[:, 5]]
    return labels
