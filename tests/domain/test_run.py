from __future__ import annotations

from dataclasses import replace

from core.domain.quality import Quality
from tests.factories import result


def test_a_strategy_sees_the_quality_on_the_search_rows_and_not_that_on_the_test() -> None:
    measured = result(2.0)
    assert measured.for_search() is None
    seen = Quality(None, replace(measured.fidelity, max_abs_error=42.0))
    told = replace(measured, search=seen).for_search()
    assert told is not None
    assert (told.accuracy, told.fidelity, told.timing) == (None, seen.fidelity, measured.timing)
