"""What other limits would change, from planted ladders of candidates."""

from __future__ import annotations

from dataclasses import replace

from core.domain.run import Candidate, Limits
from core.insights.counterfactuals import Counterfactual, counterfactuals
from core.insights.recommendation import recommend
from core.insights.tradeoffs import steps
from tests.factories import candidate, result


def ladder(**known: tuple[float, float, int]) -> list[Candidate]:
    """Return a baseline of 4000 bytes, and candidates by speed-up, points lost (±0.2) and bytes."""
    made = [candidate("base", result(1.0, size=4000), 0)]
    return made + [
        candidate(name, result(speed, drop=(lost, lost - 0.2, lost + 0.2), size=size), at)
        for at, (name, (speed, lost, size)) in enumerate(known.items(), start=1)
    ]


def told(candidates: list[Candidate], limits: Limits) -> list[Counterfactual]:
    return list(counterfactuals(candidates, limits, steps(candidates, limits)))


def test_a_little_more_loss_says_how_much_faster_and_how_sure_that_is() -> None:
    found = told(ladder(safe=(2.0, 0.0, 4000), fast=(3.0, 1.3, 4000)), Limits(1.0))
    assert [each.candidate.name for each in found] == ["fast"]
    assert found[0].sentence == "0.3 points more of loss would make it 1.50x (1.44–1.56) faster: fast."
    candidates = ladder(safe=(2.0, 0.0, 4000), fast=(3.0, 1.3, 4000))
    assert found[0].limits is not None
    assert recommend(candidates, found[0].limits).candidate_id == "fast"


def test_a_tie_buys_nothing_and_nothing_recommended_has_no_alternative() -> None:
    assert told(ladder(safe=(2.0, 0.0, 4000), same=(2.03, 1.3, 4000)), Limits(1.0)) == []
    assert told(ladder(slow=(0.5, 0.0, 4000)), Limits(1.0)) == []


def test_a_stricter_limit_says_what_it_would_cost() -> None:
    found = told(ladder(safe=(2.0, 0.0, 4000), fast=(3.0, 0.5, 4000)), Limits(1.0))
    assert found[0].sentence == "With a loss of 0 points at most it would be 1.50x (1.44–1.56) slower: safe."


def test_the_next_step_down_in_size_says_what_it_costs_with_an_honest_interval() -> None:
    found = told(ladder(fast=(4.0, 0.0, 2000), small=(2.0, 0.6, 1000), tiny=(1.5, 0.9, 400)), Limits(1.0))
    (step,) = [each for each in found if each.candidate.name == "small" and "size" in each.sentence]
    assert "50% smaller, changes the loss by +0.6 (+0.2…+1.0) points" in step.sentence
    assert "0.50x (0.48–0.52) its speed" in step.sentence
    assert step.limits is None


def test_a_limit_on_size_says_what_it_keeps_away() -> None:
    candidates = ladder(small=(2.0, 0.0, 1_000_000), fast=(4.0, 0.0, 3_000_000))
    (found,) = told(candidates, replace(Limits(1.0), max_size_bytes=2_000_000))
    assert found.sentence == "1 MB more would make it 2.00x (1.92–2.08) faster: fast."
    assert found.limits == Limits(1.0, max_size_bytes=3_000_000)
