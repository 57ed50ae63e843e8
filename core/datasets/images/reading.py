"""Reading many images into one array in the model's size, scale and layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.datasets import stratified
from core.datasets.images.decoding import read_picture
from core.datasets.images.files import Files
from core.datasets.images.normalization import CHUNK, ImageParams, Pixels
from core.datasets.images.transforms import Placement, fit_picture, placement
from core.errors import CorruptFile
from core.protocols import Array

BAD_SHARE = 0.05


def read_all(
    files: Files,
    names: Sequence[str],
    pixels: Pixels,
    params: ImageParams,
    folder: Path,
    sizes: Sequence[tuple[int, int] | None] = (),
) -> tuple[Array, dict[int, Placement]]:
    """Return the images that can be read, and where each lies in its row, by its position in `names`.

    Args:
        names: Of the images among `files`.
        folder: For what does not fit into memory.
        sizes: Width and height that each should have, see `read_picture`; nothing for any.

    Raises:
        CorruptFile: More than a few cannot be read; the message names one.
    """
    out = stratified.empty(folder / "prepared", "images", (len(names), *pixels.row), pixels.dtype)
    good: dict[int, Placement] = {}
    bad: list[CorruptFile] = []
    waiting: list[Array] = []
    for position, name in enumerate(names):
        try:
            size = sizes[position] if sizes else None
            picture = read_picture(files.read(name), name, pixels.channels, size)
            fitted = fit_picture(picture, pixels.height, pixels.width, params)
            waiting.append(np.asarray(fitted).reshape(pixels.height, pixels.width, pixels.channels))
            good[position] = placement(picture.size, pixels.height, pixels.width, params)
        except CorruptFile as error:
            bad.append(error)
            if len(bad) > BAD_SHARE * len(names):
                raise
        if len(waiting) == CHUNK or (waiting and position == len(names) - 1):
            out[len(good) - len(waiting) : len(good)] = pixels.values(np.stack(waiting))
            waiting = []
    return out[: len(good)], good


def skipped(count: int) -> dict[str, str]:
    """Return the line for the page where images could not be read."""
    return {"Skipped": f"{count} images that cannot be read"} if count else {}
