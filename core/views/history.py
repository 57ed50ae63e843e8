"""The history: its runs, and of each the best candidate and how its candidates lie, in few numbers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.domain.quality import Scale
from core.domain.run import Candidate, RunStatus
from core.insights.recommendation import recommend
from core.store.runs import ListedRun
from core.store.store import Store
from core.views.cache import cached
from core.views.rows import front_ids, front_point

Dot = tuple[float, float, bool]


@dataclass(frozen=True)
class RunSummary:
    """A line of the history; what it recommends is told by `best_of`.

    Attributes:
        done: Candidates to which nothing more will happen.
        total: All candidates.
        revision: Of the run.
        data_name: Empty without data.
        tags: Words of a person.
        notes: Likewise.
    """

    id: str
    name: str
    model_name: str
    status: RunStatus
    created: float
    done: int
    total: int
    revision: int
    data_name: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True)
class Highlights:
    """The figures of a run's recommended candidate, on the first of its kinds of machine.

    Attributes:
        best: Its name; empty where nothing is recommended.
        speedup: Against the baseline; None where nothing is recommended.
        accuracy: By the run's metric, in the unit of `scale`; None without labels.
        scale: How accuracy is read.
        size_bytes: Of its files.
        dots: Of each measured candidate the latency in milliseconds, what it loses (smaller is better on
            both), and whether it is on the front.
    """

    best: str = ""
    speedup: float | None = None
    accuracy: float | None = None
    scale: Scale = field(default_factory=Scale)
    size_bytes: int | None = None
    dots: tuple[Dot, ...] = ()


def runs(store: Store, limit: int | None = None) -> list[RunSummary]:
    """Return the newest `limit` runs, or the whole history, newest first."""
    listed = store.runs.list(limit)
    ids = {each.run.request.model_id for each in listed}
    names = {model_id: store.models.get(model_id).name for model_id in ids}
    used = {each.run.request.data_id for each in listed}
    data = {data_id: store.data.get(data_id).name for data_id in used if data_id}
    return [
        _summary(each, names[each.run.request.model_id], data.get(each.run.request.data_id or "", ""))
        for each in listed
    ]


def _summary(listed: ListedRun, model_name: str, data_name: str) -> RunSummary:
    run = listed.run
    about = (run.id, run.name, model_name, run.status, run.created)
    said = (data_name, run.tags, run.notes)
    return RunSummary(*about, listed.final, listed.total, run.revision, *said)


def best_of(store: Store, run: RunSummary) -> str:
    """Return speed-up and name of what a run recommends on each kind of machine, empty where that is nothing.

    Raises:
        NotFound: There is no such run.
    """
    return cached(store).small.get(("best", run.id), run.revision, lambda: _best_of(store, run.id))


def _best_of(store: Store, run_id: str) -> str:
    everyone, request = store.candidates.list(run_id), store.runs.get(run_id).request
    found = []
    for machine in request.measure_on or ("",):
        candidates = [each for each in everyone if each.machine == machine]
        advice = recommend(candidates, request.limits, request.objective)
        chosen = next((each for each in candidates if each.id == advice.candidate_id), None)
        if chosen is not None and chosen.result is not None:
            where = f" on {machine}" if len(request.measure_on) > 1 else ""
            found.append(f"{chosen.result.timing.speedup.value:.1f}x · {chosen.name}{where}")
    return "; ".join(found)


def highlights(store: Store, runs: Sequence[RunSummary], seconds: float) -> Mapping[str, Highlights]:
    """Return the highlights of `runs` by id, as far as they are known or can be worked out in `seconds`.

    To decode all candidates of hundreds of runs takes its time, once for each revision of a run.

    Args:
        store: Holds them.
        runs: In the order of their importance.
        seconds: After so long only what is known is returned; at least one is worked out.
    """
    found: dict[str, Highlights] = {}
    lines, end = cached(store).lines, time.monotonic() + seconds
    for run in runs:
        known = lines.known(("highlights", run.id), run.revision)
        if known is None and time.monotonic() < end:
            known = lines.get(("highlights", run.id), run.revision, lambda run=run: _highlights(store, run))  # type: ignore[misc]
        if known is not None:
            found[run.id] = known
    return found


def _highlights(store: Store, run: RunSummary) -> Highlights:
    request = store.runs.get(run.id).request
    everyone = store.candidates.list(run.id)
    here = [each for each in everyone if each.machine == everyone[0].machine]
    advice = recommend(here, request.limits, request.objective)
    on_front = front_ids(here)
    dots = tuple((*front_point(each.result), each.id in on_front) for each in here if each.result is not None)
    chosen = next((each for each in here if each.id == advice.candidate_id), None)
    return _of(chosen, dots)


def _of(chosen: Candidate | None, dots: tuple[Dot, ...]) -> Highlights:
    if chosen is None or chosen.result is None:
        return Highlights(dots=dots)
    result = chosen.result
    told = result.accuracy
    value, scale = (None, Scale()) if told is None else (told.value, told.scale)
    return Highlights(chosen.name, result.timing.speedup.value, value, scale, result.size_bytes, dots)
