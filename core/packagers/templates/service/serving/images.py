"""Image files to the model's input: decoded, resized and normalized as in the measurement."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from threading import BoundedSemaphore

import numpy as np
from PIL import Image, ImageOps
from PIL.Image import Resampling
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import File, FormParser, parse_options_header

from serving.errors import Refused, invalid
from serving.inputs import Array
from serving.settings import Picture

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
MOST_PIXELS = 50_000_000
DECODERS = BoundedSemaphore(4)
"""Images that are unfolded at once."""
BROKEN = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, MemoryError, struct.error)


@dataclass(frozen=True)
class Placed:
    """Where a picture of `size` (width, height) lies in the input, in pixels."""

    size: tuple[int, int]
    wide: int
    high: int
    left: int = 0
    top: int = 0

    def back(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the input as it lies in the picture that was sent."""
        return (x - self.left) * self.size[0] / self.wide, (y - self.top) * self.size[1] / self.high


def read_image(body: bytes, how: Picture) -> tuple[Array, Placed]:
    """Return the input made of an image file, and where the picture lies in it.

    Raises:
        Refused: It is no image, damaged, or too large to unfold.
    """
    with DECODERS:
        picture = _decoded(body, how.channels)
        placed = _placed(picture.size, how)
        raw = np.asarray(_fitted(picture, placed, how)).reshape(how.height, how.width, how.channels)
        found = _values(raw, how)
    return (found[np.newaxis] if how.batched else found), placed


def uploaded(content_type: str, body: bytes) -> bytes:
    """Return the file ``image`` of a form.

    Raises:
        Refused: It is no form, or has no such file.
    """
    found: list[File] = []
    kind, options = parse_options_header(content_type)
    # Nothing is written to disk: a form was bounded when it was read.
    config = {"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_BODY_SIZE": len(body)}
    try:
        parser = FormParser(
            kind.decode(), None, found.append, boundary=options.get(b"boundary"), config=config
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise invalid(f"expected a form with one file named image: {error}") from error
    images = [each for each in found if each.field_name == b"image"]
    if len(found) != 1 or not images:
        raise invalid("expected a form with one file", "image")
    images[0].file_object.seek(0)
    return images[0].file_object.read()


def _decoded(body: bytes, channels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body), formats=FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise Refused(413, f"The image has more than {MOST_PIXELS // 1_000_000} megapixels.")
                upright = ImageOps.exif_transpose(opened)
                if upright.mode.startswith("I"):  # 16-bit grays, which Pillow would clip to white
                    upright = Image.fromarray((np.asarray(upright).clip(0, 65535) // 257).astype(np.uint8))
                return upright.convert("L" if channels == 1 else "RGB")
    except (Image.DecompressionBombError, *BROKEN) as error:
        raise invalid(f"expected an image as {', '.join(FORMATS)}: {error}") from error


def _placed(size: tuple[int, int], how: Picture) -> Placed:
    if size == (how.width, how.height) or how.resize == "stretch":
        return Placed(size, how.width, how.height)
    if how.resize == "letterbox":
        scale = min(how.width / size[0], how.height / size[1])
        wide, high = (max(1, round(side * scale)) for side in size)
    else:
        wide, high = round(how.width / how.crop), round(how.height / how.crop)
        if wide * size[1] >= high * size[0]:
            high = max(high, wide * size[1] // size[0])
        else:
            wide = max(wide, high * size[0] // size[1])
    return Placed(size, wide, high, -round((wide - how.width) / 2), -round((high - how.height) / 2))


def _fitted(picture: Image.Image, placed: Placed, how: Picture) -> Image.Image:
    size, method = (how.width, how.height), Resampling[how.interpolation.upper()]
    if picture.size == size:
        return picture
    if how.resize == "stretch":
        return picture.resize(size, method)
    if how.resize == "letterbox":
        filled = Image.new(picture.mode, size, (how.gray,) * len(picture.getbands()))
        filled.paste(picture.resize((placed.wide, placed.high), method), (placed.left, placed.top))
        return filled
    across, down = picture.width / placed.wide, picture.height / placed.high
    left, top = -placed.left, -placed.top
    box = (left * across, top * down, (left + how.width) * across, (top + how.height) * down)
    return picture.resize(size, method, box=box)


def _values(raw: Array, how: Picture) -> Array:
    unit: Array = raw.astype(np.float32) / np.float32(255) * np.float32(how.span) + np.float32(how.low)
    if how.mean:
        unit = (unit - np.asarray(how.mean, np.float32)) / np.asarray(how.std, np.float32)
    found = (np.rint(unit) if np.dtype(how.dtype).kind in "iu" else unit).astype(how.dtype)
    found = found[..., ::-1] if how.bgr else found
    return np.ascontiguousarray(found.transpose(2, 0, 1) if how.first else found)
