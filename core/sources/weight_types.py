"""Types of a model's weights: the precision that most are stored in, and what that stands in the way of."""

from __future__ import annotations

from core.domain.model import Note

QUANTIZED = Note(
    "The weights are already quantized: doing so again would only lose accuracy.",
    "Upload the float model it was made from to compare other ways of quantizing.",
)


def stored_in(narrow: int, half: int, wide: int) -> str:
    """Return ``INT8``, ``FP16`` or ``FP32``, by how many weights are in at most 8 bits, 16, and more."""
    if narrow > half + wide:
        return "INT8"
    return "FP16" if half > wide else "FP32"
