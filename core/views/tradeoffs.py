"""Trade-offs of a stored run: what other limits would buy, worked out once for each revision."""

from __future__ import annotations

from dataclasses import replace

from core.domain.run import Limits, Run
from core.insights.counterfactuals import Counterfactual, counterfactuals
from core.insights.tradeoffs import Tradeoff, steps
from core.store.store import Store
from core.views.cache import cached
from core.views.run import candidates_on


def tradeoffs(store: Store, run: Run, limits: Limits, machine: str = "") -> tuple[Tradeoff, ...]:
    """Return what is recommended on a kind of machine as the limit on the drop grows.

    Each is clearly better than the one before. The other limits stay. A better candidate whose interval
    overlaps the last one's would be a tie and buys nothing.
    """
    others, objective = replace(limits, max_drop=None), run.request.objective
    key = ("tradeoffs", run.id, machine, others)
    return cached(store).small.get(
        key, run.revision, lambda: steps(candidates_on(store, run, machine), others, objective)
    )


def what_if(store: Store, run: Run, limits: Limits, machine: str = "") -> tuple[Counterfactual, ...]:
    """Return what other limits would change about the recommendation, in sentences."""
    known, objective = tradeoffs(store, run, limits, machine), run.request.objective
    key = ("what_if", run.id, machine, limits)
    return cached(store).small.get(
        key,
        run.revision,
        lambda: counterfactuals(candidates_on(store, run, machine), limits, known, objective),
    )
