"""The front: against its definition, over random points."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.domain.pareto import dominates, front

POINT = st.tuples(st.integers(0, 5), st.integers(0, 5))


@given(st.dictionaries(st.text(max_size=3), POINT, max_size=12))
def test_the_front_holds_exactly_what_nothing_dominates(points: dict[str, tuple[int, int]]) -> None:
    found = front(points)
    for key, point in points.items():
        beaten = any(dominates(other, point) for other in points.values())
        assert (key in found) is not beaten
    assert bool(found) is bool(points)


def test_equal_points_do_not_dominate_each_other() -> None:
    assert front({"a": (1, 2), "b": (1, 2), "c": (2, 2)}) == {"a", "b"}
