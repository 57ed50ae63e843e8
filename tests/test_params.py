"""Parameters check themselves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.errors import InvalidRequest
from core.params import make, setting
from core.serde import to_plain


@dataclass(frozen=True)
class Params:
    share: float = setting(0.5, "Share", low=0.0, high=1.0)
    mode: str = setting("a", "Mode", choices=("a", "b"))


def test_values_go_over_the_defaults() -> None:
    assert make(Params, {"share": 0.25}) == Params(0.25, "a")
    assert to_plain(make(Params, {})) == {"share": 0.5, "mode": "a"}


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"share": 2.0}, "share is 2.0"),
        ({"share": float("nan")}, "share is nan"),
        ({"mode": "c"}, "mode is 'c'"),
        ({"share": "much"}, "wrong type"),
        ({"colour": 1}, "Unknown parameter: colour"),
    ],
)
def test_bad_values_are_refused_with_the_name(values: dict[str, object], part: str) -> None:
    with pytest.raises(InvalidRequest, match=part):
        make(Params, values)
