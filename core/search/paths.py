"""Shortest path of conversions between a model, techniques and a runtime."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from core.domain.recipe import Step
from core.protocols import Pass, Runtime
from core.registry import formats, get_pass, passes, runtimes


def path_to(
    start: str, steps: Sequence[Step], runtime: Runtime, ends_in: str = ""
) -> tuple[Step, ...] | None:
    """Return `steps` with the fewest conversions that lead from format `start` to `runtime`, or None.

    A conversion may stand before, between and after the techniques. Among equally short ways conversions come
    early, but after techniques that work on the network itself. The way ends in files that can be run without
    code of the model's author.

    Args:
        start: Format of the model.
        steps: Techniques in their order.
        runtime: What runs the result.
        ends_in: Format that the way must end in, as of an export: then conversions that lead back are put in
            wherever there is no other way. Empty for any that the runtime opens.
    """
    ends, back = frozenset({ends_in}) if ends_in else runtime.formats, bool(ends_in)
    waiting: deque[tuple[str, int, tuple[Step, ...]]] = deque([(start, 0, ())])
    seen = set()
    while waiting:
        form, taken, made = waiting.popleft()
        if (form, taken) in seen:
            continue
        seen.add((form, taken))
        if taken == len(steps) and form in ends and formats()[form].standalone:
            return made
        further = _next(form, steps[taken:], back)
        waiting.extend((to, taken + step, (*made, each)) for to, step, each in further)
    return None


def _next(form: str, left: Sequence[Step], back: bool) -> Iterator[tuple[str, int, Step]]:
    """Yield the formats that one more step leads to, whether a technique was taken, and the step.

    Args:
        form: Where the way is.
        left: Techniques that are still to be taken.
        back: Whether conversions that lead back are put in wherever they lead.
    """
    technique = get_pass(left[0].pass_id) if left else None
    bridges = [
        (each.produces[form], 0, Step(each.id))
        for each in passes().values()
        if each.bridges and each.produces.get(form, form) != form and (back or _serves(each, form, technique))
    ]
    taken = [(technique.produces[form], 1, left[0])] if technique and form in technique.accepts else []
    yield from (*taken, *bridges) if technique and technique.on_source else (*bridges, *taken)


def _serves(bridge: Pass, form: str, technique: Pass | None) -> bool:
    """Whether a conversion of `form` helps: those that lead back only help a technique at once."""
    if not bridge.leads_back:
        return True
    if technique is None or technique.converts or form in technique.accepts:
        return False
    return bridge.produces[form] in technique.accepts


def runs_here(format_: str) -> bool:
    """Whether any runtime of this machine opens a format."""
    return any(format_ in each.formats and each.available().ok for each in runtimes().values())


def worth_building(runtime: Runtime) -> bool:
    """Whether recipes for `runtime` are built: it is here, or nothing here runs what it would."""
    return runtime.available().ok or not any(map(runs_here, runtime.formats))
