"""Rows of a file for batch prediction, and the calls that they become.

`.npz` holds an array for each input with its rows in front. Tables (`tables.py`) and folders of images give a
row for each line and file. A row that the model cannot take keeps the reason; the others go on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

import numpy as np

from serving.errors import Refused
from serving.inputs import Array, Feed, check, rows_of
from serving.settings import Picture, Settings, Tensor

Row = tuple[str, Feed | str]
"""Its file, where rows are files, and arrays by input without the batch in front; or why there are none."""
Calls = list[tuple[list[int], Feed]]
"""Numbers of rows, and their arrays for one call."""
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm")
DECODERS, AHEAD = 4, 32
Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass
class Source:
    """Rows to predict: `rows` gives them from a number on; `count` is None where nobody has counted them."""

    count: int | None
    rows: Callable[[int], Iterator[Row]]


def from_arrays(path: Path, settings: Settings) -> Source:
    """Return the rows of an `.npz` file.

    Raises:
        ValueError: It is none, or lacks an input, or its arrays have other numbers of rows.
    """
    wanted = [spec.name for spec in settings.inputs]
    try:
        with ZipFile(path):
            arrays = np.load(path, allow_pickle=False)
    except BadZipFile as error:
        raise ValueError(f"{path} cannot be read as .npz: {error}") from error
    with arrays:
        if missing := [name for name in wanted if name not in arrays]:
            raise ValueError(f"{path} lacks {', '.join(missing)}; it holds {', '.join(arrays)}.")
        held: Feed = {}
        for name in wanted:
            try:
                held[name] = np.asarray(arrays[name])
            except (ValueError, MemoryError, SyntaxError, OverflowError) as error:
                raise ValueError(f"{path}: {name} cannot be read as an array: {error}") from error
            if not held[name].ndim or held[name].dtype.kind not in "fiub":
                raise ValueError(f"{path}: {name} is no array of numbers with its rows in front.")
    counts = set(map(len, held.values()))
    if len(counts) != 1:
        raise ValueError(f"{path}: the inputs have {sorted(counts)} rows, not equally many.")
    count = counts.pop()
    return Source(count, lambda start: (_row_of(held, number) for number in range(start, count)))


def _row_of(held: Feed, number: int) -> Row:
    return "", {name: value[number] for name, value in held.items()}


def from_images(folder: Path, settings: Settings) -> Source:
    """Return the images in a folder and the folders in it, in the order of their names.

    Raises:
        ValueError: The model takes no images, or there are none.
    """
    how = settings.picture
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES and path.is_file())
    if how is None or not files:
        raise ValueError(f"{folder} holds no images." if how is not None else "This model takes no images.")

    def rows(start: int) -> Iterator[Row]:
        with ThreadPoolExecutor(DECODERS) as pool:
            yield from _ahead(pool, lambda path: _picture(path, folder, how), files[start:])

    return Source(len(files), rows)


def _picture(path: Path, folder: Path, how: Picture) -> Row:
    from serving.images import read_image

    # A name that is no UTF-8 would fit into no table.
    name = os.fsencode(path.relative_to(folder)).decode(errors="backslashreplace")
    try:
        array, _ = read_image(path.read_bytes(), how)
    except (Refused, OSError) as error:
        return name, str(error)
    return name, {how.input: array[0] if how.batched else array}


def _ahead(pool: ThreadPoolExecutor, make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """Give what is made of each item in order, `AHEAD` of them at work at most."""
    waiting: deque[Future[Made]] = deque()
    for item in items:
        waiting.append(pool.submit(make, item))
        if len(waiting) >= AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def calls_of(settings: Settings, rows: Sequence[Row]) -> tuple[Calls, dict[int, str]]:
    """Return the calls for some rows, those of equal shapes together, and why other rows are in none."""
    alike: dict[Any, list[int]] = {}
    errors: dict[int, str] = {}
    for number, (_, feed) in enumerate(rows):
        if isinstance(feed, str):
            errors[number] = feed
            continue
        shapes = tuple(value.shape for value in feed.values())
        alike.setdefault(shapes if settings.batches.symbol is not None else number, []).append(number)
    found: Calls = []
    for numbers in alike.values():
        _add(settings, rows, numbers, found, errors)
    return sorted(found, key=lambda call: call[0][0]), errors


def _add(
    settings: Settings, rows: Sequence[Row], numbers: list[int], found: Calls, errors: dict[int, str]
) -> None:
    """Add one call for these rows or, where one of them does not fit, one for each that does."""
    try:
        found.append((numbers, _feed(settings, [rows[number][1] for number in numbers])))
    except (ValueError, Refused) as error:
        if len(numbers) == 1:
            errors[numbers[0]] = str(error)
            return
        half = len(numbers) // 2
        _add(settings, rows, numbers[:half], found, errors)
        _add(settings, rows, numbers[half:], found, errors)


def _feed(settings: Settings, feeds: Sequence[Any]) -> Feed:
    feed: Feed = {}
    for spec in settings.inputs:
        values = [each[spec.name] for each in feeds]
        feed[spec.name] = cast(spec, np.stack(values) if settings.batches.symbol is not None else values[0])
        check(spec, feed[spec.name])
    rows_of(settings, feed)
    return feed


def cast(spec: Tensor, value: Array) -> Array:
    """Return numbers in the type that the model takes.

    Raises:
        ValueError: It cannot hold them.
    """
    wanted = np.dtype(spec.dtype)
    if value.dtype == wanted:
        return value
    if value.dtype.kind not in "fiub" or (wanted.kind == "b" and value.dtype.kind != "b"):
        raise ValueError(f"{spec.name}: expected {spec.dtype}, got {value.dtype}")
    if wanted.kind in "iu":
        bounds = np.iinfo(wanted)
        whole = np.isfinite(value) & (np.floor(value) == value) if value.dtype.kind == "f" else True
        if not np.all(whole & (value >= bounds.min) & (value <= bounds.max)):
            raise ValueError(f"{spec.name}: expected whole numbers that {spec.dtype} can hold")
    with np.errstate(over="ignore"):
        return value.astype(wanted)
