"""More threads than cores."""

from __future__ import annotations

from dataclasses import replace

from tests.insights.findings.planted import case, found, ids


def test_more_threads_than_cores_come_first() -> None:
    known = case()
    recipe = known.candidate.recipe
    many = replace(recipe, target=replace(recipe.target, threads=8))
    first, *_ = found(replace(known, candidate=replace(known.candidate, recipe=many)))
    assert first.id == "oversubscribed"
    assert "8 threads share 2 cores" in first.seen
    assert str(first.stake) == "3.75 ms"


def test_as_many_threads_as_cores_are_none() -> None:
    assert "oversubscribed" not in ids(case())
