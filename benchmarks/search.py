"""Search benchmark (hypervolume over time): ``python -m benchmarks.search [--measure]``.

Replays chains of techniques that were built, trained and measured once, in the order of the search and in
random orders, five seeds each. Their figures lie in `search_table.json` with what they are of; ``--measure``
makes that file anew, of the demo's model on this machine, in some ten minutes.

Prints the mean of the hypervolume of gain and loss until half of the time that all took, the share of its
final hypervolume that the search has after half of that, and when it had 95 %. Exits with 1 where it has less
than 95 % at half, or beats random order in fewer than four of five seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from pathlib import Path

from core.domain.measurement import Interval
from core.domain.recipe import Recipe, Step
from core.domain.run import CandidateStatus, Limits, RunRequest, RunStatus
from core.domain.trial import Trial
from core.machine.environment import environment
from core.protocols import SearchContext
from core.registry import runtimes
from core.search.improvement import hypervolume
from core.search.presets import baseline, recipes
from core.search.space import Chain, space, suggested
from core.search.strategies.search import chosen
from core.serde import from_json, to_plain

TABLE = Path(__file__).with_name("search_table.json")
SEEDS, WINS, SHARE = 5, 4, 0.95
LIMITS = Limits(max_drop=2.0)
BARE, MINUTES = 10, 0.3
"""Chains without training beside those of the preset ``quick``, and how long the others are trained."""
Curve = list[tuple[float, float]]
"""Seconds and hypervolume after each trial."""


@dataclass(frozen=True)
class Table:
    """What was measured.

    Attributes:
        about: Model and data, for people.
        context: What a search is told of model and machine.
        trials: The baseline first.
    """

    about: str
    context: SearchContext
    trials: tuple[Trial, ...]


def listed(context: SearchContext) -> list[Recipe]:
    """Return recipes of the search space to measure, those of the preset ``quick`` first."""
    first, drawn = start(context), random.Random(4)
    endings = [each for each in first if Chain.of(each).ending]
    history = [Trial(context.request.recipes[0]), *known_trials(endings, Interval(1.0, 1.0, 1.0))]
    chains = [each for each in space(context, history) if each.recipe(context) not in first]
    bare = [each for each in chains if not each.training]
    long = [each for each in map(Chain.of, suggested(context)) if each.trains_long and each.shrinking]
    one_each = {each.shrinking[0].pass_id: each for each in long}.values()
    short = [replace(each, training=_shortened(each.training)) for each in one_each]
    picked = [*drawn.sample(bare, BARE), *short]
    return [*first, *(recipe for each in picked if (recipe := each.recipe(context)) is not None)]


def _shortened(training: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(Step(each.pass_id, {**each.params, "minutes": MINUTES}) for each in training)


def known_trials(recipes: Sequence[Recipe], gain: Interval) -> list[Trial]:
    """Return trials that are within the limits, so that the space joins them with what shrinks."""
    return [Trial(each, CandidateStatus.DONE, within=True, gain=gain) for each in recipes]


def start(context: SearchContext) -> list[Recipe]:
    """Return what the preset ``quick`` tries."""
    return recipes("quick", context.model, context.environment, context.runtimes)


def measured() -> Table:
    """Measure chains on the demo's model, in a data folder of their own.

    As some train, their figures on the search rows are kept apart from those on the test.
    """
    from core import optimize
    from core.engine import open_store
    from core.engine.history import history
    from pages.widgets.demo import demo, take

    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHETSTONE_DATA_DIR"] = folder
        with open_store() as store:
            model_id, data_id = take(store, demo())
            model = store.models.get(model_id)
            usable = tuple(key for key, each in runtimes().items() if each.available().ok)
            request = RunRequest(model_id, data_id, recipes=(baseline(model, 1, 1),), limits=LIMITS)
            context = SearchContext(request, model, environment(), usable)
            view = optimize(
                model_id,
                data_id,
                recipes=listed(context),
                preset="quick",
                max_drop=LIMITS.max_drop,
                store=store,
                on_change=lambda view: print(f"\r{view.progress.done} of {view.progress.total}", end=""),
            )
            print()
            if view.run.status is not RunStatus.DONE:
                raise SystemExit("The run that measures the chains did not end: there is nothing to replay.")
            candidates = store.candidates.list(view.run.id)
            trials = history(candidates, view.run.request, store.events.since(view.run.id))
    context = replace(context, request=replace(request, recipes=()))
    return Table(f"{demo().name} on {demo().data}", context, tuple(trials))


def replayed(
    trials: Sequence[Trial], budget_s: float, choose: Callable[[Sequence[Trial]], Recipe | None]
) -> Curve:
    """Return the hypervolume over time where `choose` says what comes next; a training is paid for once."""
    known = {repr(each.recipe): each for each in trials}
    history, curve, spent = [trials[0]], [(0.0, 0.0)], 0.0
    while (recipe := choose(history)) is not None:
        # The speed of what is trained may be asked for before that: what was not measured is refused at once.
        trial = known.get(repr(recipe)) or Trial(recipe, CandidateStatus.SKIPPED)
        shared = any(Chain.of(trial.recipe).network == Chain.of(each.recipe).network for each in history)
        spent += trial.seconds - (trial.trained_s if shared else 0.0)
        if spent > budget_s:
            break
        history.append(trial)
        points = [(log(each.gain.value), each.loss or 0.0) for each in history if each.gain]
        curve.append((spent, hypervolume(points, LIMITS.max_drop or 1.0)))
    return [*curve, (budget_s, curve[-1][1])]


def _begun(recipe: Recipe) -> tuple[object, ...]:
    """Return what chains share that differ in their precision: it is made once."""
    chain = Chain.of(recipe)
    return chain.shrinking, chain.training


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


def reached(curve: Curve) -> float:
    """Return the share of the time after which a curve has 95 % of what it ends with."""
    end, volume = curve[-1]
    return next(spent for spent, found in curve if found >= SHARE * volume) / end


def main() -> int:
    """Replay, and measure before that if asked to; print; return the exit code."""
    parser = argparse.ArgumentParser(description="Compare the search with random order.")
    parser.add_argument("--measure", action="store_true", help="measure the chains anew on this machine")
    if parser.parse_args().measure:
        TABLE.write_text(json.dumps(to_plain(measured()), indent=1) + "\n")
    table = from_json(TABLE.read_bytes(), Table)
    context, trials = table.context, table.trials
    order = [trial.recipe for trial in trials[1:]]
    whole, volume = replayed(trials, 1e9, lambda history: next(iter(order[len(history) - 1 :]), None))[-2]
    budget, wins, shares = whole / 2, 0, []
    print(f"Replayed: {len(order)} chains of {table.about}, measured on {context.environment.cpu}")
    print(f"in {whole:.0f} s; their hypervolume is {volume:.3f}, and the budget half of that time.\n")
    print(f"{'seed':>4}  {'search':>7}  {'random':>7}  {'at half':>7}  {'at end':>7}  95 % of that at")
    for seed in range(SEEDS):
        curves = [replayed(trials, budget, choose) for choose in orders(context, trials, seed)]
        ours, theirs = map(area, curves)
        half, end = at(curves[0], budget / 2), at(curves[0], budget)
        wins += ours > theirs
        shares.append(half / end if end else 1.0)
        when = f"{reached(curves[0]):>4.0%} of the budget"
        print(f"{seed:>4}  {ours:>7.3f}  {theirs:>7.3f}  {half:>7.3f}  {end:>7.3f}  {when}")
    print(f"\nThe search is ahead of random order in {wins} of {SEEDS} seeds.")
    return int(wins < WINS or min(shares) < SHARE)


if __name__ == "__main__":
    sys.exit(main())
