"""Image preprocessing and its inverse: size, channels, scale, mean and standard deviation, layout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.domain.model import DETECTION, SourceModel, TensorSpec
from core.errors import DataMismatch, InvalidRequest
from core.params import setting
from core.protocols import Array, Prepared

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SCALES = {"0..1": (0.0, 1.0), "0..255": (0.0, 255.0), "-1..1": (-1.0, 2.0)}
INTERPOLATIONS = ("bilinear", "bicubic", "lanczos", "nearest")
CHUNK = 256
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class ImageParams:
    """How images become inputs; everything defaults to what models of that shape usually want."""

    resize: str = setting(
        "auto",
        "Resize",
        help="Keep the proportions and crop the centre or fill up with gray, or stretch to the model's size. "
        "auto crops, and fills up for object detection.",
        choices=("auto", "crop", "letterbox", "stretch"),
    )
    crop: float | None = setting(
        None,
        "Centre crop",
        help="Share of the resized shorter side that is kept; empty means 0.875, and 1 up to 64 pixels.",
        low=0.3,
        high=1.0,
    )
    interpolation: str = setting(
        "auto",
        "Interpolation",
        help="How sizes between pixels are filled in; auto is bilinear unless the model says otherwise.",
        choices=("auto", *INTERPOLATIONS),
    )
    scale: str = setting(
        "auto",
        "Pixel range",
        help="Range that pixels 0 to 255 are mapped to before mean and deviation.",
        choices=("auto", *SCALES),
    )
    mean: str = setting(
        "auto",
        "Mean",
        help="auto, none, or one number per channel (R, G, B) in the chosen range, with commas.",
    )
    std: str = setting("auto", "Standard deviation", help="auto, none, or one number per channel (R, G, B).")
    layout: str = setting(
        "auto",
        "Layout",
        help="Whether channels come first (NCHW) or last (NHWC) in the model's input.",
        choices=("auto", "NCHW", "NHWC"),
    )
    order: str = setting(
        "RGB", "Channel order", help="Order the model was trained on.", choices=("RGB", "BGR")
    )
    max_samples: int | None = setting(
        None, "Samples at most", help="Empty takes all that fit into 1.5 GB.", low=4, high=1_000_000
    )


P = TypeVar("P", bound=ImageParams)


def with_known_preprocessing(params: P, model: SourceModel) -> P:
    """Return `params` with what the model's library or files say in the place of what was left open."""
    known = model.preprocessing
    if known is None:
        # A crop would cut off what is to be found.
        found = params.resize == "auto" and model.task == DETECTION
        return replace(params, resize="letterbox") if found else params
    return replace(
        params,
        resize=known.resize if params.resize == "auto" else params.resize,
        crop=params.crop or known.crop,
        interpolation=known.interpolation if params.interpolation == "auto" else params.interpolation,
        scale=known.scale if params.scale == "auto" else params.scale,
    )


def origin(model: SourceModel) -> dict[str, str]:
    """Return who says how pictures become inputs, for the page."""
    return {"Preprocessing": f"as {model.preprocessing.origin} has it"} if model.preprocessing else {}


@dataclass(frozen=True)
class Pixels:
    """The image input of a model and the values it wants.

    Attributes:
        name: Of the input.
        channels: 1 or 3.
        first: Channels first.
        low: Value of a black pixel before mean and deviation.
        span: Value range from black to white.
        mean: Per channel in R, G, B order; empty for none.
        std: Likewise.
        bgr: Channels are turned around at the end.
    """

    name: str
    channels: int
    height: int
    width: int
    first: bool
    dtype: str
    low: float
    span: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of one sample in the model's layout."""
        size = (self.height, self.width)
        return (self.channels, *size) if self.first else (*size, self.channels)

    @property
    def row_bytes(self) -> int:
        """Bytes of one sample."""
        return self.channels * self.height * self.width * np.dtype(self.dtype).itemsize

    def values(self, raw: Array) -> Array:
        """Return (n, height, width, channels) RGB bytes, or floats in [0, 1], as the model wants them."""
        if raw.dtype == np.uint8:
            steps = np.arange(256, dtype=np.float32)[:, None].repeat(self.channels, 1) / np.float32(255)
            table = self._normalise(steps).astype(self.dtype)
            found = np.stack([table[:, c][raw[..., c]] for c in range(self.channels)], axis=-1)
        else:
            found = self._normalise(raw.astype(np.float32)).astype(self.dtype)
        found = found[..., ::-1] if self.bgr else found
        return found.transpose(0, 3, 1, 2) if self.first else found

    def restore(self, values: Array) -> NDArray[np.uint8]:
        """Return model inputs as (n, height, width, 3) RGB bytes: the way back of `values`."""
        found = values.transpose(0, 2, 3, 1) if self.first else values
        found = (found[..., ::-1] if self.bgr else found).astype(np.float32)
        if self.mean:
            found = found * np.asarray(self.std, np.float32) + np.asarray(self.mean, np.float32)
        shades = np.clip(np.rint((found - self.low) / self.span * 255), 0, 255).astype(np.uint8)
        return np.broadcast_to(shades, (*shades.shape[:3], 3)).copy()

    def describe(self) -> dict[str, str]:
        """Return what is done to pixels, for the page."""
        numbers = {
            "Size": f"{self.width} x {self.height} pixels, {'RGB' if self.channels == 3 else 'grayscale'}",
            "Pixel range": f"{self.low:g} to {self.low + self.span:g}",
            "Mean": ", ".join(f"{value:g}" for value in self.mean) or "none",
            "Standard deviation": ", ".join(f"{value:g}" for value in self.std) or "none",
            "Layout": "NCHW" if self.first else "NHWC",
        }
        return numbers | ({"Channel order": "BGR"} if self.bgr else {})

    def _normalise(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = unit * np.float32(self.span) + np.float32(self.low)
        if self.mean:
            found -= np.asarray(self.mean, np.float32)
            found /= np.asarray(self.std, np.float32)
        return np.rint(found) if np.dtype(self.dtype).kind in "iu" else found


@dataclass(frozen=True)
class PreparedImages(Prepared):
    """Prepared rows that can be shown as pictures again.

    Attributes:
        pixels: How the first input was made of pixels.
    """

    pixels: Pixels | None = None


def image_input(model: SourceModel, params: ImageParams) -> Pixels | None:
    """Return how the model's only input takes images, or None where it takes something else.

    Raises:
        InvalidRequest: Mean or deviation are not numbers, or not one per channel.
    """
    if len(model.inputs) != 1:
        return None
    spec = model.inputs[0]
    size = _size(spec, spec.resolve(model.symbols), params.layout)
    if size is None or not (spec.dtype.startswith("float") or spec.dtype in ("uint8", "int32", "int64")):
        return None
    channels, height, width, first = size
    whole = not spec.dtype.startswith("float")
    scale = with_known_preprocessing(params, model).scale
    low, span = SCALES["0..255" if scale == "auto" and whole else "0..1" if scale == "auto" else scale]
    usual_mean, usual_std = _usual(model, scale, channels, imagenet=span == 1.0 and not whole)
    mean = _numbers("mean", params.mean, channels, usual_mean)
    std = _numbers("std", params.std, channels, usual_std)
    if mean or std:
        mean, std = mean or (0.0,) * channels, std or (1.0,) * channels
    bgr = params.order == "BGR" and channels == 3
    return Pixels(spec.name, channels, height, width, first, spec.dtype, low, span, mean, std, bgr)


def _usual(
    model: SourceModel, scale: str, channels: int, *, imagenet: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation where nobody states them: the model's own, else ImageNet's for colour."""
    known = model.preprocessing
    if known is not None and scale == known.scale and len(known.mean) == len(known.std) == channels:
        return known.mean, known.std
    # Detectors mostly normalize by themselves, or take 0 to 1 as it is.
    nothing_known = (known is None or bool(known.mean)) and model.task != DETECTION
    return (IMAGENET_MEAN, IMAGENET_STD) if imagenet and channels == 3 and nothing_known else ((), ())


def _size(spec: TensorSpec, shape: tuple[int, ...], layout: str) -> tuple[int, int, int, bool] | None:
    if len(shape) != 4:
        return None
    usable = [
        f
        for f in (True, False)
        if shape[1 if f else 3] in (1, 3) and layout in ("auto", "NCHW" if f else "NHWC")
    ]
    if not usable:
        return None
    # A symbolic size is never the channels of a trained model.
    fixed = [first for first in usable if isinstance(spec.shape[1 if first else 3], int)]
    first = (fixed or usable)[0]
    return (shape[1], shape[2], shape[3], True) if first else (shape[3], shape[1], shape[2], False)


def _numbers(name: str, text: str, channels: int, usual: tuple[float, ...]) -> tuple[float, ...]:
    if text.strip().lower() in ("auto", ""):
        return usual
    if text.strip().lower() == "none":
        return ()
    try:
        found = tuple(float(part) for part in text.replace(";", ",").strip("()[] ").split(","))
    except ValueError as error:
        raise InvalidRequest(
            f"{name} is {text!r}.", hint="Give auto, none or numbers with commas."
        ) from error
    found = found * channels if len(found) == 1 else found
    if len(found) != channels or not np.isfinite(found).all() or (name == "std" and min(found) <= 0):
        raise InvalidRequest(
            f"{name} is {text!r}, but the model takes {channels} channel(s).",
            hint="Give one finite number per channel; deviations are above zero.",
        )
    return found


def to_channels(raw: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return (n, h, w, c) bytes of 1, 3 or 4 channels as gray or RGB; alpha is dropped.

    Raises:
        DataMismatch: Another number of channels.
    """
    have = raw.shape[-1]
    if have not in (1, 3, 4):
        raise DataMismatch(f"The images have {have} channels.", hint="Give grayscale, RGB or RGBA images.")
    colour = raw[..., :3]
    if have == 1 or channels == colour.shape[-1]:
        return np.broadcast_to(colour, (*colour.shape[:3], channels))
    return np.rint(colour @ np.asarray(LUMA, np.float32)).astype(np.uint8)[..., None]
