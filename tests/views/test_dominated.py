"""Why a candidate is not on the front."""

from __future__ import annotations

from core.domain.run import Limits
from core.insights.recommendation import recommend
from core.views import why_dominated
from core.views.rows import rows
from tests.factories import candidate, result


def said(**speeds: float) -> list[str]:
    everyone = [candidate("base", result(1.0), 0)]
    everyone += [candidate(name, result(speed)) for name, speed in speeds.items()]
    everyone.append(candidate("waiting", None))
    found = rows(everyone, Limits(), recommend(everyone, Limits()))
    return [why_dominated(row, found) for row in found]


def test_the_fastest_that_beats_it_is_named() -> None:
    base, slow, middle, best, waiting = said(slow=2.0, middle=3.0, best=4.0)
    assert slow == "Dominated: best is 2.00x faster and loses no more."
    assert middle == "Dominated: best is 1.33x faster and loses no more."
    assert (base, best, waiting) == ("", "", "")


def test_a_lead_within_the_intervals_is_a_tie() -> None:
    assert said(one=4.0, other=4.05)[1] == (
        "Not Pareto-optimal, but a tie: other is ahead by less than the measurement can tell."
    )
