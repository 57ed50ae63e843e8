from __future__ import annotations

from core.domain.run import Limits
from core.insights.recommendation import recommend
from core.views.rows import rows
from pages.widgets.side_by_side import verdict
from tests.factories import candidate, result


def test_beside_the_baseline_stands_the_measured_speed_up_whatever_the_control_said() -> None:
    everyone = [candidate("base", result(0.97), 0), candidate("fast", result(4.0))]
    base, fast = rows(everyone, Limits(), recommend(everyone, Limits()))
    assert verdict(fast, base) == "**fast** is 4.00x faster than base."
