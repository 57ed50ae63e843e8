from __future__ import annotations

import pytest

from core.errors import InvalidRequest
from pages.widgets.models import parse_shapes


def test_shapes_are_read_line_by_line() -> None:
    assert parse_shapes("input: 1, 3, 224, 224\n\n ids: 1x128\n") == {
        "input": (1, 3, 224, 224),
        "ids": (1, 128),
    }
    assert parse_shapes("past: 1, 4, 0, 8") == {"past": (1, 4, 0, 8)}, "an empty cache"
    assert parse_shapes("") == {}
    assert parse_shapes("serving:input:0: 1,4") == {"serving:input:0": (1, 4)}


@pytest.mark.parametrize("line", ["1, 3, 224", "input: 1, three", "input:", "input: -1, 3"])
def test_what_is_no_shape_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_shapes(line)
    assert "input: 1, 3, 224, 224" in refused.value.hint
