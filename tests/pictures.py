"""Image files that are wrong in ways that no library writes."""

from __future__ import annotations

import io
import struct

from PIL import Image

ORIENTATION, UNIT, TEXT, SHORT = 0x0112, 0x0128, 2, 3
TURNED = 6


def wrong_exif() -> bytes:
    """Return a JPEG whose EXIF turns it and has a text for a number, which Pillow cannot write anew."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "JPEG")
    whole = file.getvalue()
    entries = struct.pack(">HHIHH", ORIENTATION, SHORT, 1, TURNED, 0) + struct.pack(
        ">HHI4s", UNIT, TEXT, 2, b"x"
    )
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + entries + bytes(4)
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + whole[2:]
