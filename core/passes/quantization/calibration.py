"""Calibration for static quantization: samples for activation ranges, and excluded layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from core.errors import PassFailed
from core.params import setting
from core.protocols import Feed, PassContext

MOST = 10_000
"""Calibration samples: they are read one at a time."""


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


class CalibrationFeeds:
    """Up to `samples` feeds of calibration data, read anew and one at a time whenever it is iterated.

    Raises:
        PassFailed: There are none.
    """

    def __init__(self, context: PassContext, samples: int) -> None:
        self._context, self._samples = context, samples
        if next(iter(self), None) is None:
            raise PassFailed("The calibration data holds no samples.", hint="Give more data, or none at all.")

    def __iter__(self) -> Iterator[Feed]:
        return islice(self._context.calibration(), self._samples)

    @cached_property
    def count(self) -> int:
        """How many there are; reads them once."""
        return sum(1 for _ in self)
