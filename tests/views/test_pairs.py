from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.measurement import Interval
from core.domain.run import Limits, RunStatus
from core.engine import open_store
from core.insights.recommendation import recommend
from core.store.store import Store
from core.views import common, difference, faster, quotient, run_view, truer, unlike
from core.views.rows import Row, rows
from tests.factories import candidate, result
from tests.pages import seed


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with open_store() as opened:
        yield opened


def judged() -> tuple[Row, ...]:
    everyone = [
        candidate("base", result(1.0), 0),
        candidate("one", result(4.0)),
        candidate("two", result(2.0)),
    ]
    return rows(everyone, Limits(), recommend(everyone, Limits()))


def test_relative_errors_of_a_quotient_and_absolute_ones_of_a_difference_add_up_in_square() -> None:
    one, other = Interval(4.0, 3.96, 4.04), Interval(2.0, 1.98, 2.02)
    found = quotient(one, other)
    assert (found.value, found.low) == pytest.approx((2.0, 2.0 * (1 - 0.01 * 2**0.5)), abs=2e-3)
    apart = difference(Interval(3.0, 0.0, 6.0), Interval(1.0, -3.0, 5.0))
    assert (apart.value, apart.low, apart.high) == (2.0, -3.0, 7.0)


def test_beside_the_baseline_stands_what_was_measured_against_it() -> None:
    base, one, two = judged()
    assert faster(one, base) == one.speedup
    against = faster(one, two)
    assert against is not None
    assert against.value == pytest.approx(2.0)
    slower = faster(base, two)
    assert slower is not None
    assert slower.value == pytest.approx(0.5)


def test_accuracies_of_two_are_apart_by_what_each_is_from_the_baseline(store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    everyone = run_view(store, "done").candidates
    base, eight, pruned = everyone[0], everyone[2], everyone[7]
    assert truer(eight, base) == eight.change
    between = truer(eight, pruned)
    assert between is not None
    assert between.value == pytest.approx(2.2)
    assert between.low < 2.2 < between.high


def test_runs_share_recipes_and_say_why_they_are_unlike(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.run(store, "first", RunStatus.DONE)
    seed.run(store, "again", RunStatus.DONE)
    elsewhere = replace(seed.ENVIRONMENT, cpu="Another CPU", libraries={"torch": "3.0"})
    monkeypatch.setattr(seed, "ENVIRONMENT", elsewhere)
    seed.run(store, "elsewhere", RunStatus.DONE, labelled=False)
    first, again, other = (run_view(store, name) for name in ("first", "again", "elsewhere"))
    assert not unlike(first, again)
    said = " ".join(unlike(first, other))
    assert "Test CPU @ 2.90 GHz and Another CPU" in said
    assert "torch" in said
    assert "different data" in said
    pairs = common(first, again)
    assert pairs[0].one.name == pairs[0].other.name == seed.SPECS[0][0]
    assert all(pair.one.candidate.recipe == pair.other.candidate.recipe for pair in pairs)
