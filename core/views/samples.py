"""The first samples of a data set, as a page may show them.

A confined process wrote them, and it may have been taken over: what is not exactly as `core.datasets.preview`
writes it is not shown. Pictures are handed to the browser as they are; nothing here decodes them.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any

from core.datasets.balance import MOST_CLASSES
from core.datasets.preview import COUNT, FILE, NUMBERS, SIDE
from core.domain.model import DataSet, FileRef, SourceModel
from core.engine import sample_pictures
from core.errors import UnsafeUpload
from core.sandbox.answers import made_of
from core.store.store import Store
from core.texts import one_line

LARGEST_TEXT, LARGEST_PICTURE = 64 * 1024, 256 * 1024
LONGEST_LABEL = 80
UNTRUSTED = (ValueError, KeyError, TypeError, RecursionError, StopIteration, UnsafeUpload)
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_SIZES = struct.Struct(">II")


@dataclass(frozen=True)
class Sample:
    """One row of a data set.

    Attributes:
        label: Name or number of its class; empty where nobody knows.
        picture: A PNG as a ``data:`` address; empty where the rows are no pictures.
        values: The first numbers of a row that is none.
    """

    label: str
    picture: str = ""
    values: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Balance:
    """How the labels of a data set are distributed.

    Attributes:
        names: Of the classes, or the middle of each range of the numbers to predict.
        counts: How many labels there are of each.
        numbers: Whether these are ranges of numbers.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    numbers: bool = False


def first_samples(store: Store, data: DataSet) -> tuple[Sample, ...]:
    """Return the first samples of `data`; none where it has no preview or one that cannot be trusted."""
    return _shown(store, data.files, COUNT)


def samples_of(store: Store, model: SourceModel, data: DataSet, rows: Sequence[int]) -> dict[int, Sample]:
    """Return chosen rows of the evaluation by their number, made anew in a confined process.

    Raises:
        WhetstoneError: The process failed.
    """
    kept, files = sample_pictures(store, model, data, rows)
    return dict(zip(kept, _shown(store, files, len(kept)), strict=False))


def _shown(store: Store, kept: Sequence[FileRef], most: int) -> tuple[Sample, ...]:
    """Return the samples of a preview; none where there is none, or one that cannot be trusted."""
    files = {file.name: file for file in kept}
    with suppress(*UNTRUSTED):
        items = made_of(_content(store, kept)["items"], list[dict[str, Any]])[:most]
        return tuple(_sample(store, item, files) for item in items)
    return ()


def class_balance(store: Store, data: DataSet) -> Balance | None:
    """Return how the labels of `data` are distributed; None where that is not recorded."""
    with suppress(*UNTRUSTED):
        found = _content(store, data.files)["balance"]
        counts = made_of(found["counts"], tuple[int, ...])
        if "edges" in found:
            edges = made_of(found["edges"], tuple[float, ...])
            names = tuple(f"{(low + high) / 2:.4g}" for low, high in pairwise(edges))
        else:
            known = (one_line(each, LONGEST_LABEL) for each in data.classes)
            names = tuple(name for name, _ in zip_longest(known, counts, fillvalue=""))[: len(counts)]
            names = tuple(name or str(at) for at, name in enumerate(names))
        if len(names) == len(counts) <= MOST_CLASSES and min(counts) >= 0:
            return Balance(names, counts, "edges" in found)
    return None


def _content(store: Store, kept: Sequence[FileRef]) -> dict[str, Any]:
    file = next(each for each in kept if each.name == FILE)
    return made_of(json.loads(_read(store, file, LARGEST_TEXT)), dict[str, Any])


def _sample(store: Store, item: dict[str, Any], files: dict[str, FileRef]) -> Sample:
    named = item.get("class") or ("" if item.get("label") is None else item["label"])
    label = one_line(str(named), LONGEST_LABEL)
    if "file" in item:
        return Sample(label, picture=_picture(store, files[str(item["file"])]))
    return Sample(label, values=made_of(item["values"][:NUMBERS], tuple[float | None, ...]))


def _picture(store: Store, file: FileRef) -> str:
    content = _read(store, file, LARGEST_PICTURE)
    sizes = _SIZES.unpack_from(content, len(_PNG)) if len(content) > len(_PNG) + _SIZES.size else (0, 0)
    if not content.startswith(_PNG) or not all(0 < size <= SIDE for size in sizes):
        raise ValueError("this is no picture of ours")
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _read(store: Store, file: FileRef, most: int) -> bytes:
    """Return a file's content; its size is that on the disk, not the one that it was said to have."""
    path = store.blobs.path(file)
    if path.stat().st_size > most:
        raise ValueError("this is larger than any preview of ours")
    return path.read_bytes()
