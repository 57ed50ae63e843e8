"""Image decoding with EXIF orientation; decompression bombs are refused before they unfold."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING

from core.complaints import complaint
from core.errors import CorruptFile, UnsafeUpload

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"))
# Others, such as EPS, would start programs or are no photographs.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
MAX_PIXELS = 100_000_000
# What Pillow raises on damaged data: decoders, and `struct` where it writes EXIF anew that it could not read.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, MemoryError, struct.error)


def read_picture(data: bytes, name: str, channels: int, size: tuple[int, int] | None = None) -> Image:
    """Return the image in `data`, turned as its EXIF says, in RGB or in grayscale for one channel.

    One whose width and height are `size` as it is stored, and not when it is turned, stays as it is.

    Raises:
        CorruptFile: Not an image, or a damaged one; the message names the file.
        UnsafeUpload: More than `MAX_PIXELS` pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes that are refused or accepted below
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                _refuse_bomb(opened.size, name)
                upright = ImageOps.exif_transpose(opened)
                kept = opened if size == opened.size != upright.size else upright
                return _converted(kept, "L" if channels == 1 else "RGB")
    except Image.DecompressionBombError as error:
        raise _bomb(name, str(error)) from error
    except BROKEN as error:
        raise CorruptFile(
            f"The image {name} cannot be read: {complaint(error)}.",
            hint="Replace or remove the file.",
        ) from error


def _converted(picture: Image, mode: str) -> Image:
    if picture.mode.startswith("I"):
        import numpy as np
        from PIL import Image as Pictures

        # Pillow would clip 16-bit grays to white instead of scaling them.
        picture = Pictures.fromarray((np.asarray(picture).clip(0, 65535) // 257).astype(np.uint8))
    return picture.convert(mode)


def _refuse_bomb(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _bomb(name, f"{size[0]:,} x {size[1]:,} pixels")


def _bomb(name: str, detail: str) -> UnsafeUpload:
    return UnsafeUpload(
        f"The image {name} is too large to open: {detail}.",
        hint=f"Remove it, or scale it below {MAX_PIXELS // 1_000_000} megapixels.",
    )
