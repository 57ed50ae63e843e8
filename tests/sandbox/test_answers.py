from __future__ import annotations

from typing import Any

import pytest

from core.errors import UnsafeUpload
from core.sandbox.answers import figures


@pytest.mark.parametrize("answer", [{"ms": "fast"}, {"ms": [1.0, "x"]}, {"ms": [float("nan")]}, {"x": {}}])
def test_figures_are_finite_numbers(answer: dict[str, Any]) -> None:
    with pytest.raises(UnsafeUpload):
        figures(answer)
    assert figures({"ms": [1.0, 2], "bytes": 3}) == {"ms": [1.0, 2], "bytes": 3}
