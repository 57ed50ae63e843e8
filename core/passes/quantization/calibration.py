"""Calibration for static quantization: samples for activation ranges, and excluded layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from core.errors import PassFailed
from core.params import setting
from core.protocols import Feed, PassContext


def keep_float() -> Any:
    """Return the setting of the layers that stay in float; `kept` reads it."""
    return setting(
        "none",
        "Excluded layers",
        help="The first and the last layer often cost most accuracy and little time.",
        choices=("none", "first_last"),
        words={"first_last": "ends in float"},
    )


def kept(layers: Sequence[str], choice: str) -> list[str]:
    """Return which of the heavy `layers`, in their order, stay in float."""
    return [layers[0], layers[-1]] if choice == "first_last" and len(layers) > 2 else []


def calibration_feeds(context: PassContext, samples: int) -> list[Feed]:
    """Return up to `samples` feeds of calibration data.

    Raises:
        PassFailed: There are none.
    """
    feeds = list(islice(context.calibration(), samples))
    if not feeds:
        raise PassFailed("The calibration data holds no samples.", hint="Give more data, or none at all.")
    return feeds
