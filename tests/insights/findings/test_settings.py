"""Another setting that was measured to be better."""

from __future__ import annotations

from core.domain.recipe import Step
from tests.factories import candidate, result
from tests.insights.findings.planted import INT8, case, found, ids

ENTROPY = (Step("int8_static_ort", {"calibration": "entropy"}),)


def test_a_setting_that_surely_loses_less_comes_first() -> None:
    other = candidate("entropy", result(2.0, drop=(0.2, 0.0, 0.4)), 2, ENTROPY)
    first, *_ = found(case(figures=result(2.0, drop=(3.0, 2.5, 3.5)), others=(other,)))
    assert first.id == "better_setting"
    assert "loses 2.8 points less" in first.seen
    assert first.recipe == other.recipe


def test_a_tie_a_slower_one_and_another_technique_are_no_better_setting() -> None:
    mine = result(2.0, drop=(3.0, 2.5, 3.5))
    tie = candidate("tie", result(2.0, drop=(2.8, 2.4, 3.2)), 2, ENTROPY)
    slower = candidate("slower", result(1.0, drop=(0.2, 0.0, 0.4)), 2, ENTROPY)
    same = candidate("same", result(2.0, drop=(0.2, 0.0, 0.4)), 2, INT8)
    for other in (tie, slower, same):
        assert "better_setting" not in ids(case(figures=mine, others=(other,)))
