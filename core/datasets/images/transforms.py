"""Resize and center crop, as torchvision's evaluation transforms do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.images.normalization import ImageParams

if TYPE_CHECKING:
    from PIL.Image import Image

SMALL = 64
CROP = 0.875


def describe(height: int, width: int, params: ImageParams) -> str:
    """Return in words what `fit_picture` does."""
    how = _interpolation(params)
    if params.resize == "stretch":
        return f"stretched, {how}"
    crop = _crop(height, width, params)
    return f"shorter side, {how}, centre" + (f" {crop:.3g} of it" if crop < 1 else "")


def fit_picture(picture: Image, height: int, width: int, params: ImageParams) -> Image:
    """Return `picture` at `width` x `height`; one that has the size already stays as it is.

    The shorter side is resized, with antialiasing, to the model's size divided by the crop, and the centre is
    cut out: with 0.875 the usual 256 to 224.
    """
    from PIL.Image import Resampling

    if picture.size == (width, height):
        return picture
    filter_ = Resampling[_interpolation(params).upper()]
    if params.resize == "stretch":
        return picture.resize((width, height), filter_)
    wide, high = _covering(picture.size, height, width, _crop(height, width, params))
    left, top = round((wide - width) / 2), round((high - height) / 2)
    across, down = picture.width / wide, picture.height / high
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
