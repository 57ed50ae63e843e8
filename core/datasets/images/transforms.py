"""Resize and center crop, as torchvision's evaluation transforms do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.images.normalization import ImageParams, Pixels, with_known_preprocessing
from core.domain.model import SourceModel

if TYPE_CHECKING:
    from PIL.Image import Image

SMALL = 64
CROP = 0.875
GRAY = 114
"""What letterboxes are filled up with, as YOLO's are."""


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in the model's input.

    Attributes:
        size: Its width and height as stored.
        wide: Its width in the input, in pixels.
        high: Its height.
        left: Of the input, where the picture begins; below 0 where that is cut off.
        top: Likewise.
    """

    size: tuple[int, int]
    wide: int
    high: int
    left: int = 0
    top: int = 0

    def moved(self, corners: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return corners x1, y1, x2, y2 (n, 4) of boxes in the picture as they are in the input."""
        scale = np.array([self.wide / self.size[0], self.high / self.size[1]] * 2)
        return np.asarray(corners * scale + np.array([self.left, self.top] * 2))


def describe(height: int, width: int, params: ImageParams) -> str:
    """Return in words what `fit_picture` does."""
    how = _interpolation(params)
    if params.resize == "stretch":
        return f"stretched, {how}"
    if params.resize == "letterbox":
        return f"longer side, {how}, filled up with gray ({GRAY})"
    crop = _crop(height, width, params)
    return f"shorter side, {how}, centre" + (f" {crop:.3g} of it" if crop < 1 else "")


def resizing(pixels: Pixels, params: ImageParams, model: SourceModel) -> dict[str, Any]:
    """Return how pictures come to their size, with nothing left open, as plain values."""
    chosen = with_known_preprocessing(params, model)
    return {
        "resize": "crop" if chosen.resize == "auto" else chosen.resize,
        "crop": _crop(pixels.height, pixels.width, chosen),
        "interpolation": _interpolation(chosen),
    }


def placement(size: tuple[int, int], height: int, width: int, params: ImageParams) -> Placement:
    """Return where a picture of `size` (width, height) lies in an input of `width` x `height`.

    One that has the size already stays as it is. To be cropped, the shorter side is resized to the model's
    size divided by the crop, and the centre is cut out: with 0.875 the usual 256 to 224.
    """
    if size == (width, height) or params.resize == "stretch":
        return Placement(size, width, height)
    if params.resize == "letterbox":
        scale = min(width / size[0], height / size[1])
        wide, high = (max(1, round(side * scale)) for side in size)
    else:
        wide, high = _covering(size, height, width, _crop(height, width, params))
    return Placement(size, wide, high, -round((wide - width) / 2), -round((high - height) / 2))


def fit_picture(picture: Image, height: int, width: int, params: ImageParams) -> Image:
    """Return `picture` at `width` x `height`, resized with antialiasing, as `placement` says."""
    from PIL import Image as Pictures
    from PIL.Image import Resampling

    if picture.size == (width, height):
        return picture
    filter_ = Resampling[_interpolation(params).upper()]
    place = placement(picture.size, height, width, params)
    if params.resize == "stretch":
        return picture.resize((width, height), filter_)
    if params.resize == "letterbox":
        filled = Pictures.new(picture.mode, (width, height), (GRAY,) * len(picture.getbands()))
        filled.paste(picture.resize((place.wide, place.high), filter_), (place.left, place.top))
        return filled
    across, down = picture.width / place.wide, picture.height / place.high
    left, top = -place.left, -place.top
    # Only what is kept gets computed: a panorama's long side never becomes a picture of its own.
    box = (left * across, top * down, (left + width) * across, (top + height) * down)
    return picture.resize((width, height), filter_, box=box)


def _covering(size: tuple[int, int], height: int, width: int, crop: float) -> tuple[int, int]:
    """Return the size in the proportions of `size` whose centre `crop` holds `width` x `height`."""
    wide, high = round(width / crop), round(height / crop)
    if wide * size[1] >= high * size[0]:
        return wide, max(high, wide * size[1] // size[0])
    return max(wide, high * size[0] // size[1]), high


def resize(raw: NDArray[np.uint8], height: int, width: int, params: ImageParams) -> NDArray[np.uint8]:
    """Return (n, h, w, c) images of 1 or 3 channels as (n, `height`, `width`, c)."""
    from PIL import Image as Pictures

    if raw.shape[1:3] == (height, width):
        return raw
    out = np.empty((len(raw), height, width, raw.shape[3]), np.uint8)
    for index, image in enumerate(raw):
        plain: NDArray[Any] = np.ascontiguousarray(image[..., 0] if raw.shape[3] == 1 else image)
        fitted = np.asarray(fit_picture(Pictures.fromarray(plain), height, width, params))
        out[index] = fitted.reshape(height, width, -1)
    return out


def _interpolation(params: ImageParams) -> str:
    return "bilinear" if params.interpolation == "auto" else params.interpolation


def _crop(height: int, width: int, params: ImageParams) -> float:
    if params.crop is not None:
        return params.crop
    return 1.0 if max(height, width) <= SMALL else CROP
