"""Threads of a training's steps."""

from __future__ import annotations

from core.passes.training.schedule import TRIAL_SHARE, Threads


def trained(threads: Threads, seconds: dict[int, float], steps: int) -> tuple[float, list[int]]:
    counts = []
    for _ in range(steps):
        counts.append(threads.count)
        threads.took(seconds[threads.count])
    return sum(seconds[each] for each in counts), counts


def test_all_threads_learn_where_they_are_faster_and_trials_cost_little() -> None:
    took, counts = trained(Threads(4, fixed=False), {4: 0.2, 2: 0.3}, 500)
    assert counts[-1] == 4
    assert set(counts) == {4, 2}
    assert took < (1 + 2 * TRIAL_SHARE) * 500 * 0.2


def test_half_of_them_learn_beside_other_programs_until_these_are_gone() -> None:
    threads = Threads(2, fixed=False)
    took, counts = trained(threads, {2: 5.0, 1: 0.6}, 600)
    assert counts[20:].count(1) > 0.95 * 580
    assert took < 1.3 * 600 * 0.6
    _, counts = trained(threads, {2: 0.2, 1: 0.6}, 600)
    assert counts[-1] == 2
    _, counts = trained(threads, {2: 5.0, 1: 0.6}, 20)
    assert counts.count(2) < 6


def test_a_repeatable_training_takes_all_always() -> None:
    _, counts = trained(Threads(2, fixed=True), {2: 5.0}, 50)
    assert set(counts) == {2}
