from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.errors import UnsafeUpload
from core.sandbox.answers import figures


class Told(msgspec.Struct):
    ms: list[float]
    bytes: int = 0


BAD = ({"ms": "fast"}, {"ms": [1.0, "x"]}, {"ms": [float("nan")]}, {"ms": [], "bytes": 10**400}, {"x": {}})


@pytest.mark.parametrize("answer", BAD)
def test_figures_are_finite_numbers(answer: dict[str, Any]) -> None:
    with pytest.raises(UnsafeUpload):
        figures(answer, Told)
    assert figures({"ms": [1.0, 2], "bytes": 3}, Told) == Told([1.0, 2.0], 3)
