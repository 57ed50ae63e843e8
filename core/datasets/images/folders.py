"""ImageFolder layout: which folders are classes, which are splits, which only wrap."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.datasets.images.decoding import SUFFIXES
from core.datasets.images.files import Files
from core.errors import CorruptFile, DataMismatch

SPLITS = ("test", "val", "valid", "validation", "train", "training")
LISTS = ("classes.txt", "labels.txt")


@dataclass(frozen=True)
class Tree:
    """Images with their classes.

    Attributes:
        names: Names to read, in order.
        classes: Folder name of each image, or None for a flat folder.
        order: Class names in the model's order, where `classes.txt` or `labels.txt` states them.
        notes: For the page.
    """

    names: list[str]
    classes: list[str] | None
    order: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def find(files: Files) -> Tree:
    """Return the images among `files`, with wrapper folders and splits taken off.

    Raises:
        DataMismatch: There is no image.
        CorruptFile: The list of classes is no text.
    """
    everything = files.names()
    images = [name for name in everything if PurePosixPath(name).suffix.lower() in SUFFIXES]
    if not images:
        raise DataMismatch("There is no image inside.", hint="Give one folder of images per class.")
    root, notes = _root(images)
    parts = {name: PurePosixPath(name).parts[len(root) :] for name in images}
    inside = {name: part for name, part in parts.items() if PurePosixPath(name).parts[: len(root)] == root}
    order = _order(files, everything, root)
    classed = [name for name, part in inside.items() if len(part) > 1]
    if not classed:
        return Tree(list(inside), None, order, notes | {"Images": f"{len(inside):,} files without labels"})
    loose = len(inside) - len(classed)
    notes |= {"Left out": f"{loose} images outside of the class folders"} if loose else {}
    notes |= {"Images": f"{len(classed):,} files in {len({inside[n][0] for n in classed})} class folders"}
    return Tree(classed, [inside[name][0] for name in classed], order, notes)


def _root(images: list[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the folder that holds the class folders: below one wrapper, inside the split to evaluate on."""
    root: tuple[str, ...] = ()
    notes: dict[str, str] = {}
    while True:
        below = [PurePosixPath(name).parts[len(root) :] for name in images if _starts(name, root)]
        folders = {part[0] for part in below if len(part) > 1}
        loose = any(len(part) == 1 for part in below)
        splits = [name for split in SPLITS for name in folders if name.lower() == split]
        if not loose and splits and len(splits) == len(folders):
            root, notes = (*root, splits[0]), {"Split": f"the folder {splits[0]}"}
        elif not loose and len(folders) == 1 and any(len(part) > 2 for part in below):
            root = (*root, folders.pop())
        else:
            return root, notes


def _starts(name: str, root: tuple[str, ...]) -> bool:
    return PurePosixPath(name).parts[: len(root)] == root


def _order(files: Files, everything: list[str], root: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a list of classes beside the class folders or above them."""
    for depth in range(len(root), -1, -1):
        for name in (str(PurePosixPath(*root[:depth], each)) for each in LISTS):
            if name in everything:
                return _lines(name, files.read(name))
    return ()


def _lines(name: str, data: bytes) -> tuple[str, ...]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{name} is no text.", hint="List one class name per line in UTF-8.") from error
    return tuple(line.strip() for line in text.splitlines() if line.strip())
