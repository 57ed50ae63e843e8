"""Learn pages: what techniques, runtimes and formats say of themselves, and what was measured with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from core.domain.learn import Learn
from core.domain.measurement import Interval
from core.domain.run import Candidate
from core.domain.technique import Kind
from core.registry import formats, passes, runtimes
from core.store.runs import ListedRun
from core.store.store import Store
from core.views.cache import cached

MOST_RUNS = 100
"""The newest runs, out of which a person's own figures are taken."""


class Topics(StrEnum):
    """What pages are about."""

    TECHNIQUE = "technique"
    RUNTIME = "runtime"
    FORMAT = "format"


@dataclass(frozen=True)
class Topic:
    """One page.

    Attributes:
        id: Such as ``technique.bf16``: in the page's address.
        kind: What it is about.
        name: Of it.
        summary: In a sentence; empty where only `learn` tells.
        learn: What it says of itself; None for one of the owner's that says nothing.
        technique: Kind of technique; None for others.
        chain: Names of the forms that it leads from and to, each a list of one or more.
    """

    id: str
    kind: Topics
    name: str
    summary: str
    learn: Learn | None
    technique: Kind | None = None
    chain: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Seen:
    """A measured candidate of the person's own.

    Attributes:
        run_id: Its run.
        candidate_id: It.
        name: Of the candidate.
        run_name: Of the run.
        speedup: Against the baseline.
        change: Of the metric, more being better, in `step`; None without labels.
        step: Unit of the change.
        size: File by the baseline's file.
        topics: Ids of the topics that it tells something of.
    """

    run_id: str
    candidate_id: str
    name: str
    run_name: str
    speedup: Interval
    change: float | None
    step: str
    size: float | None
    topics: frozenset[str]


def topic_id(kind: Topics, id: str) -> str:
    """Return the id of the page on a technique, runtime or format."""
    return f"{kind}.{id}"


def topics() -> dict[str, Topic]:
    """Return all pages by id: techniques, then runtimes, then formats."""
    found = [
        Topic(
            topic_id(Topics.TECHNIQUE, each.id),
            Topics.TECHNIQUE,
            each.name,
            each.summary,
            each.learn,
            each.kind,
            (_names(each.produces), (each.name,), _names(each.produces.values())),
        )
        for each in passes().values()
    ]
    found += [
        Topic(
            topic_id(Topics.RUNTIME, each.id),
            Topics.RUNTIME,
            each.name,
            "",
            each.learn,
            chain=(_names(each.formats), (each.name,)),
        )
        for each in runtimes().values()
    ]
    for form in formats().values():
        makers = tuple(each.name for each in passes().values() if _makes(each.produces.items(), form.id))
        readers = tuple(each.name for each in runtimes().values() if form.id in each.formats)
        chain = tuple(each for each in (makers, (_short(form.name),), readers) if each)
        name = _short(form.name)
        found.append(
            Topic(topic_id(Topics.FORMAT, form.id), Topics.FORMAT, name, "", form.learn, chain=chain)
        )
    return {each.id: each for each in found}


def _makes(produces: Iterable[tuple[str, str]], form: str) -> bool:
    return any(after == form != before for before, after in produces)


def _names(ids: Iterable[str]) -> tuple[str, ...]:
    known = formats()
    return tuple(_short(known[each].name) if each in known else each for each in sorted(set(ids)))


def _short(name: str) -> str:
    """Return the name of a format without its article, with a capital."""
    bare = name.removeprefix("a ").removeprefix("an ")
    return bare[:1].upper() + bare[1:]


def own_figures(store: Store, topic: str) -> tuple[Seen, ...]:
    """Return what was measured here with a technique or runtime: the fastest of each run, newest first."""
    fastest: dict[str, Seen] = {}
    for run in (each for each in store.runs.list(MOST_RUNS) if not each.run.imported):
        for each in _seen(store, run):
            known = fastest.get(each.run_id)
            if topic in each.topics and (known is None or each.speedup.value > known.speedup.value):
                fastest[each.run_id] = each
    return tuple(fastest.values())


def _seen(store: Store, listed: ListedRun) -> tuple[Seen, ...]:
    run = listed.run

    def read() -> tuple[Seen, ...]:
        everyone = store.candidates.list(run.id)
        baselines = (each for each in everyone if each.position == 0)
        sizes = {each.machine: each.result.size_bytes for each in baselines if each.result}
        found = (_of(each, sizes.get(each.machine)) for each in everyone if each.position)
        return tuple(replace(each, run_name=run.name) for each in found if each is not None)

    return cached(store).small.get(("learn", run.id), run.revision, read)


def _of(candidate: Candidate, baseline_bytes: int | None) -> Seen | None:
    result, recipe = candidate.result, candidate.recipe
    if result is None:
        return None
    about = {topic_id(Topics.TECHNIQUE, step.pass_id) for step in recipe.steps}
    about.add(topic_id(Topics.RUNTIME, recipe.target.runtime_id))
    accuracy = result.accuracy
    return Seen(
        candidate.run_id,
        candidate.id,
        candidate.name,
        "",
        result.timing.speedup,
        None if accuracy is None else accuracy.change.value,
        "" if accuracy is None else accuracy.scale.step,
        result.size_bytes / baseline_bytes if baseline_bytes else None,
        frozenset(about),
    )
