"""Search benchmark (hypervolume over time): ``python -m benchmarks.search [--chains 28]``.

Builds and measures chains of techniques on a sample once, then replays them: in the order of the search, and
in random orders, five seeds each. Prints the area under the hypervolume until half of the time that all took,
and the share of its final hypervolume that the search has after half of that. Exits with 1 where the search
has less than 95 % then, or beats random order in fewer than four of five seeds.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log
from pathlib import Path

from core.domain.measurement import Interval
from core.domain.recipe import Recipe
from core.domain.run import CandidateStatus, Limits, RunRequest, RunStatus
from core.domain.trial import Trial
from core.machine.environment import environment
from core.protocols import SearchContext
from core.registry import runtimes
from core.search.improvement import hypervolume
from core.search.presets import baseline, recipes
from core.search.space import Chain, space, suggested
from core.search.strategies.search import chosen

SEEDS, WINS, SHARE = 5, 4, 0.95
LIMITS = Limits(max_drop=2.0)
Curve = list[tuple[float, float]]
"""Seconds and hypervolume after each trial."""


def table(context: SearchContext, count: int) -> list[Recipe]:
    """Return `count` recipes of the search space without training, those of the preset ``quick`` first."""
    unit = Interval(1.0, 1.0, 1.0)
    known = [each for each in suggested(context) if not Chain.of(each).shrinking][:3]
    history = [Trial(context.request.recipes[0]), *known_trials(known, unit)]
    chains = [each for each in space(context, history) if not each.training]
    found = [recipe for each in chains if (recipe := each.recipe(context)) is not None]
    first = start(context)
    rest = [each for each in found if each not in first]
    return [*first, *random.Random(0).sample(rest, min(len(rest), max(0, count - len(first))))]


def known_trials(recipes: Sequence[Recipe], gain: Interval) -> list[Trial]:
    """Return trials that are within the limits, so that the space joins them with what shrinks."""
    return [Trial(each, CandidateStatus.DONE, within=True, gain=gain) for each in recipes]


def start(context: SearchContext) -> list[Recipe]:
    """Return what the preset ``quick`` tries."""
    return recipes("quick", context.model, context.environment, context.runtimes)


def measured(count: int) -> tuple[SearchContext, list[Trial]]:
    """Measure the table on a sample; return what a search is told, and its trials, the baseline first."""
    from core import optimize
    from core.engine import open_store
    from core.engine.history import history
    from pages.widgets.demo import demo, take

    with open_store() as store:
        model_id, data_id = take(store, demo())
        model = store.models.get(model_id)
        usable = tuple(key for key, each in runtimes().items() if each.available().ok)
        request = RunRequest(model_id, data_id, recipes=(baseline(model, 1, 1),), limits=LIMITS)
        context = SearchContext(request, model, environment(), usable)
        view = optimize(
            model_id,
            data_id,
            recipes=table(context, count),
            strategy="search:most=1",  # so that figures of the search rows are kept apart
            max_drop=LIMITS.max_drop,
            store=store,
            on_change=lambda view: print(f"\r{view.progress.done} of {view.progress.total}", end=""),
        )
        print()
        if view.run.status is not RunStatus.DONE:
            raise SystemExit("The run that measures the chains did not end: there is nothing to replay.")
        candidates = store.candidates.list(view.run.id)
        trials = history(candidates, view.run.request, store.events.since(view.run.id))
    return replace(context, request=replace(request, recipes=())), trials


def replayed(
    trials: Sequence[Trial], budget_s: float, choose: Callable[[Sequence[Trial]], Recipe | None]
) -> Curve:
    """Return the hypervolume over time where `choose` says what comes next."""
    known = {repr(each.recipe): each for each in trials}
    history, curve, spent = [trials[0]], [(0.0, 0.0)], 0.0
    while (recipe := choose(history)) is not None:
        trial = known[repr(recipe)]
        spent += trial.seconds
        if spent > budget_s:
            break
        history.append(trial)
        points = [(log(each.gain.value), each.loss or 0.0) for each in history if each.gain]
        curve.append((spent, hypervolume(points, LIMITS.max_drop or 1.0)))
    return [*curve, (budget_s, curve[-1][1])]


def area(curve: Curve) -> float:
    """Return the mean of a hypervolume over time."""
    steps = pairwise(curve)
    return sum((later[0] - now[0]) * now[1] for now, later in steps) / curve[-1][0]


def at(curve: Curve, seconds: float) -> float:
    """Return the hypervolume after so many seconds."""
    return max(volume for spent, volume in curve if spent <= seconds)


def orders(
    context: SearchContext, trials: Sequence[Trial], seed: int
) -> Iterator[Callable[[Sequence[Trial]], Recipe | None]]:
    """Yield the order of the search, and a random one."""
    asked = replace(context, request=replace(context.request, seed=seed))
    quick = [each for each in start(context) if any(each == trial.recipe for trial in trials)]
    shuffled = random.Random(seed).sample([trial.recipe for trial in trials[1:]], len(trials) - 1)

    def search(history: Sequence[Trial]) -> Recipe | None:
        done = [trial.recipe for trial in history]
        first = next((each for each in quick if each not in done), None)
        left = [Chain.of(trial.recipe) for trial in trials[1:] if trial.recipe not in done]
        return first or chosen(asked, history, left)

    def by_chance(history: Sequence[Trial]) -> Recipe | None:
        return shuffled[len(history) - 1] if len(history) <= len(shuffled) else None

    yield from (search, by_chance)


def main() -> int:
    """Measure, replay, print; return the exit code."""
    parser = argparse.ArgumentParser(description="Compare the search with random order.")
    parser.add_argument("--chains", type=int, default=28)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHETSTONE_DATA_DIR"] = str(Path(folder))
        context, trials = measured(options.chains)
    whole = sum(trial.seconds for trial in trials[1:])
    budget, wins, shares = whole / 2, 0, []
    listed = [trial.recipe for trial in trials[1:]]
    best = at(
        replayed(trials, 2 * whole, lambda history: next(iter(listed[len(history) - 1 :]), None)), whole
    )
    print(f"{len(trials) - 1} chains in {whole:.0f} s; hypervolume of all {best:.3f}; budget {budget:.0f} s")
    print(f"{'seed':>4}  {'search':>7}  {'random':>7}  at half of the budget  at its end")
    for seed in range(SEEDS):
        curves = [replayed(trials, budget, choose) for choose in orders(context, trials, seed)]
        ours, theirs = map(area, curves)
        half, end = at(curves[0], budget / 2), at(curves[0], budget)
        wins += ours > theirs
        shares.append(half / end if end else 1.0)
        print(f"{seed:>4}  {ours:>7.3f}  {theirs:>7.3f}  {half:>10.3f} ({shares[-1]:>4.0%})  {end:>14.3f}")
    print(f"the search is ahead of random order in {wins} of {SEEDS} seeds")
    return int(wins < WINS or min(shares) < SHARE)


if __name__ == "__main__":
    sys.exit(main())
