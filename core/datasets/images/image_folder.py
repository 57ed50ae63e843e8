"""Folders and zips of images: one folder per class, or a flat folder without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.archives.zips import is_zip
from core.datasets import stratified
from core.datasets.images.decoding import SUFFIXES
from core.datasets.images.files import open_files
from core.datasets.images.folders import Tree, find
from core.datasets.images.normalization import (
    ImageParams,
    PreparedImages,
    image_input,
    origin,
    with_known_preprocessing,
)
from core.datasets.images.reading import read_all, skipped
from core.datasets.images.transforms import describe
from core.datasets.label_kinds import class_count
from core.datasets.labels import IGNORED, Labels, by_name, listed, ordered, parse_names
from core.domain.model import SourceModel
from core.errors import DataMismatch, InputError
from core.params import setting
from core.protocols import DataFormat


@dataclass(frozen=True)
class FolderParams(ImageParams):
    """How image files become inputs and labels."""

    class_names: str = setting(
        "",
        "Class names",
        help="In the order of the model's outputs, with commas; empty: classes.txt, or sorted.",
    )


class Images(DataFormat):
    """A folder or zip of images."""

    id = "images"
    name = "images (a folder or .zip, one folder per class)"
    order = 20
    suffixes = (".zip",)
    from_files = True
    Params = FolderParams

    def recognizes(self, path: Path) -> bool:
        """Whether the folder or zip holds files named like images."""
        if not (path.is_dir() or (path.is_file() and is_zip(path))):
            return False
        try:
            names = open_files(path).names()
        except InputError:
            return True  # so that `prepare` says what is wrong with it
        return any(Path(name).suffix.lower() in SUFFIXES for name in names)

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: FolderParams) -> PreparedImages:
        """Return the images in the model's size, scale and layout.

        Raises:
            InputError: Damaged or unsafe images, or a model that takes no images.
        """
        params = with_known_preprocessing(params, model)
        pixels = image_input(model, params)
        if pixels is None:
            raise DataMismatch(
                f"The data are images, but the model takes {_inputs(model)}.",
                hint="Choose data that belongs to this model: arrays (.npz) or a table (.csv).",
            )
        files = open_files(path)
        tree = find(files)
        labels = _labels(tree, model, params)
        indices, total = labels.indices if labels else None, len(tree.names)
        most = stratified.limit(total, pixels.row_bytes, params.max_samples)
        rows = stratified.balanced(indices, total, most)
        array, found = read_all(files, [tree.names[row] for row in rows], pixels, params, folder)
        good = list(found)
        notes = tree.notes | (labels.notes if labels else IGNORED if tree.classes else {"Labels": "none"})
        notes |= stratified.describe(len(rows), total, labels is not None) | skipped(len(rows) - len(good))
        notes |= {"Resized": describe(pixels.height, pixels.width, params)}
        return PreparedImages(
            inputs={pixels.name: array},
            labels=indices[rows][good] if indices is not None else None,
            classes=labels.classes if labels else (),
            preparation=notes | pixels.describe() | origin(model),
            pixels=pixels,
            label_classes=labels.count if labels else None,
        )


def _inputs(model: SourceModel) -> str:
    return ", ".join(f"{spec.name} {spec.dtype} {list(spec.shape)}" for spec in model.inputs)


def _labels(tree: Tree, model: SourceModel, params: FolderParams) -> Labels | None:
    count = class_count(model)
    if tree.classes is None or count is None:
        return None
    names = parse_names(params.class_names) or tree.order
    mapping = by_name(sorted(set(tree.classes)), count, names)
    indices = np.array([mapping[name] for name in tree.classes], dtype=np.int64)
    classes = names or ordered(mapping)
    numbers = not names and all(name == str(index) for name, index in mapping.items())
    how = "as listed" if names else "by number" if numbers else "folder names, sorted"
    return Labels(indices, classes, {"Classes": f"{listed(classes)} ({how})"}, count)


DATASET = Images()
