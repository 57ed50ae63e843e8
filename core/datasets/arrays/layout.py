"""Array layout and dtype conversion: NCHW, NHWC and flat rows to what the model takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets import stratified
from core.datasets.arrays.headers import Stored
from core.datasets.images.normalization import (
    CHUNK,
    ImageParams,
    Pixels,
    image_input,
    origin,
    to_channels,
    with_known_preprocessing,
)
from core.datasets.images.transforms import resize
from core.domain.model import SourceModel, TensorSpec
from core.errors import DataMismatch
from core.protocols import Array


@dataclass(frozen=True)
class Fitted:
    """One input's rows with what was done to them.

    Attributes:
        array: (samples, ...) in the model's layout and dtype.
        notes: For the page.
        pixels: How pixels became values, where they did.
    """

    array: Array
    notes: dict[str, str] = field(default_factory=dict)
    pixels: Pixels | None = None


def dims(shape: tuple[int | str, ...]) -> str:
    """Return a row's shape for people."""
    return " x ".join(str(size) for size in shape) if shape else "one number"


def row_fits(row: tuple[int, ...], spec: TensorSpec) -> bool:
    """Whether rows of shape `row` fit `spec`, whose symbolic sizes take any size."""
    wanted = spec.shape[1:]
    return len(row) == len(wanted) and all(
        isinstance(want, str) or have == want for have, want in zip(row, wanted, strict=True)
    )


def fit(
    stored: Stored, spec: TensorSpec, model: SourceModel, params: ImageParams, rows: Array, folder: Path
) -> Fitted:
    """Return the chosen `rows` of `stored` as the model's input `spec` takes them.

    Shape and dtype are checked before the values are read.

    Raises:
        DataMismatch: They cannot be made to fit.
    """
    pixels = image_input(model, params)
    said = params.scale != "auto" or params.mean not in ("auto", "none")
    if pixels is not None and (stored.dtype.kind in "biu" or (stored.dtype.kind == "f" and said)):
        axes = _image_axes(stored, pixels)
        fitted = _images(stored, pixels, with_known_preprocessing(params, model), rows, axes, folder)
        return replace(fitted, notes=fitted.notes | origin(model))
    shape = _row_order(stored, spec, model, pixels)
    read = stored.read()[rows]
    array, notes = _reshaped(read, shape, spec, model)
    return Fitted(cast(array, spec), notes | _raw_pixels(array, pixels))


def cast(array: Array, spec: TensorSpec) -> Array:
    """Return `array` in the dtype of `spec` where no value changes its meaning.

    Raises:
        DataMismatch: Texts, or fractions for a model that takes whole numbers, or numbers out of its range.
    """
    wanted = np.dtype(spec.dtype)
    if array.dtype == wanted:
        return array
    if array.dtype.kind not in "biuf":
        raise DataMismatch(
            f"The values for {spec.name!r} are of type {array.dtype}, but the model takes {spec.dtype}.",
            hint="Give numbers.",
        )
    if wanted.kind not in "iub":
        with np.errstate(over="ignore"):  # what becomes infinite is reported with its row later
            return array.astype(wanted)
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise DataMismatch(
            f"The input {spec.name!r} takes whole numbers ({spec.dtype}), but the data has fractions.",
            hint="Give class or token numbers, not scaled values.",
        )
    low, high = (0, 1) if wanted.kind == "b" else (int(np.iinfo(wanted).min), int(np.iinfo(wanted).max))
    if array.size and (array.min() < low or array.max() > high):
        raise DataMismatch(
            f"The values for {spec.name!r} go from {array.min()} to {array.max()}, outside of {spec.dtype}.",
            hint="Check that the data belongs to this model.",
        )
    return array.astype(wanted)


def _image_axes(stored: Stored, pixels: Pixels) -> str:
    """Return how the raw array is laid out: nhwc, nchw, nhw or flat."""
    shape, row = stored.shape, stored.shape[1:]
    if len(shape) == 4:
        # Raw images mostly come with channels last; what equals the model's own rows is taken at its word.
        last, first = row[2] in (1, 3, 4), row[0] in (1, 3, 4)
        if (
            row == pixels.row
            and pixels.first
            and not (last and row[2] == pixels.channels and row[0] != pixels.channels)
        ):
            return "nchw"
        if last or first:
            return "nhwc" if last else "nchw"
        raise DataMismatch(
            f"The images in {stored.name!r} have rows of {dims(row)}, with no axis of 1, 3 or 4 channels.",
            hint="Give images as (samples, height, width, channels).",
        )
    if len(shape) == 3:
        return "nhw"
    if len(shape) == 2 and row[0] == math.prod(pixels.row):
        return "flat"
    raise DataMismatch(
        f"The array {stored.name!r} has rows of {dims(row)}, "
        f"but the model takes images of {dims(pixels.row)}.",
        hint="Give images as (samples, height, width, channels).",
    )


def _images(
    stored: Stored, pixels: Pixels, params: ImageParams, rows: Array, axes: str, folder: Path
) -> Fitted:
    raw = stored.read()
    out = stratified.empty(folder / "prepared", "images", (len(rows), *pixels.row), pixels.dtype)
    unit = _unit(raw, stored.name)
    for start in range(0, len(rows), CHUNK):
        chunk = raw[rows[start : start + CHUNK]]
        out[start : start + len(chunk)] = _chunk(chunk, pixels, params, axes, unit)
    notes = {"Images": f"array {stored.name!r}, {stored.dtype} {dims(stored.shape[1:])} ({axes.upper()})"}
    size = _raw_size(stored.shape, axes, pixels)
    resized = (
        {} if size == (pixels.height, pixels.width) else {"Resized": f"from {size[1]} x {size[0]} pixels"}
    )
    return Fitted(out, notes | resized | pixels.describe(), pixels)


def _unit(raw: Array, name: str) -> float:
    """Return what a white pixel is: 255, or 1 for floats and booleans."""
    if raw.dtype.kind == "b" or raw.size == 0:
        return 1.0
    low, high = float(raw.min()), float(raw.max())
    if low < 0 or high > 255 or not math.isfinite(low + high):
        raise DataMismatch(
            f"The images in {name!r} have values from {low:g} to {high:g}; pixels go from 0 to 255.",
            hint="Give raw pixels, or floats that are already as the model wants them (pixel range auto).",
        )
    return 1.0 if raw.dtype.kind == "f" and high <= 1.0 else 255.0


def _chunk(raw: Array, pixels: Pixels, params: ImageParams, axes: str, unit: float) -> Array:
    if axes == "flat":
        raw, axes = raw.reshape(len(raw), *pixels.row), "nchw" if pixels.first else "nhwc"
    if axes == "nchw":
        raw = raw.transpose(0, 2, 3, 1)
    elif axes == "nhw":
        raw = raw[..., None]
    size = (pixels.height, pixels.width)
    if raw.dtype.kind == "f" and raw.shape[1:3] == size and raw.shape[3] == pixels.channels:
        return pixels.values(raw / unit)  # no rounding to bytes where nothing needs bytes
    shades: NDArray[np.uint8] = (
        np.rint(raw * (255.0 / unit)).astype(np.uint8) if raw.dtype != np.uint8 else raw
    )
    return pixels.values(resize(to_channels(shades, pixels.channels), *size, params))


def _raw_size(shape: tuple[int, ...], axes: str, pixels: Pixels) -> tuple[int, int]:
    if axes == "flat":
        return pixels.height, pixels.width
    return (shape[2], shape[3]) if axes == "nchw" else (shape[1], shape[2])


def _row_order(stored: Stored, spec: TensorSpec, model: SourceModel, pixels: Pixels | None) -> str:
    """Return what makes rows fit: nothing, another order of axes, or another shape of as many values."""
    row = stored.shape[1:]
    if row_fits(row, spec):
        return ""
    if pixels is not None and len(row) == 3:
        permuted = (row[2], row[0], row[1]) if pixels.first else (row[1], row[2], row[0])
        if row_fits(permuted, spec):
            return "nhwc" if pixels.first else "nchw"
    squeezed = tuple(size for size in row if size != 1)
    wanted = spec.resolve(model.symbols)[1:]
    flat = len(row) == 1 or len(wanted) == 1
    if math.prod(row) == math.prod(wanted) and (flat or squeezed == tuple(s for s in wanted if s != 1)):
        return "reshape"
    raise DataMismatch(
        f"The array {stored.name!r} has rows of {dims(row)}, but the model's input {spec.name!r} takes "
        f"{dims(spec.shape[1:])}.",
        hint="Give rows of that shape, or raw images as uint8, which are resized and laid out.",
    )


def _reshaped(array: Array, how: str, spec: TensorSpec, model: SourceModel) -> tuple[Array, dict[str, str]]:
    note = {spec.name: f"{array.dtype} {dims(array.shape[1:])}, taken as it is"}
    if how == "nhwc":
        return array.transpose(0, 3, 1, 2), {
            spec.name: "channels moved to the front, values taken as they are"
        }
    if how == "nchw":
        return array.transpose(0, 2, 3, 1), {spec.name: "channels moved to the end, values taken as they are"}
    if how == "reshape":
        wanted = spec.resolve(model.symbols)[1:]
        return array.reshape(len(array), *wanted), {
            spec.name: f"rows of {dims(array.shape[1:])} as {dims(wanted)}"
        }
    return array, note


def _raw_pixels(array: Array, pixels: Pixels | None) -> dict[str, str]:
    """Return a remark where floats look like pixels that nobody has scaled."""
    if pixels is None or not array.size or array.dtype.kind != "f":
        return {}
    if array.min() >= 0 and array.max() > 16:
        return {"Remark": f"values reach {array.max():g}: choose a pixel range if these are raw pixels"}
    return {}
