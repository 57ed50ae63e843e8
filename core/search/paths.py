"""Shortest path of conversions between a model, techniques and a runtime."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from core.domain.recipe import Step
from core.protocols import Runtime
from core.registry import get_pass, passes


def path_to(start: str, steps: Sequence[Step], runtime: Runtime) -> tuple[Step, ...] | None:
    """Return `steps` with the fewest conversions that lead from format `start` to `runtime`, or None.

    A conversion may stand before, between and after the techniques; breadth first, so that the shortest
    way wins.
    """
    conversions = {key: each.produces for key, each in passes().items() if each.converts}
    waiting: deque[tuple[str, int, tuple[Step, ...]]] = deque([(start, 0, ())])
    seen = set()
    while waiting:
        form, taken, made = waiting.popleft()
        if (form, taken) in seen:
            continue
        seen.add((form, taken))
        if taken == len(steps):
            if form in runtime.formats:
                return made
        elif form in get_pass(steps[taken].pass_id).accepts:
            step = steps[taken]
            waiting.append((get_pass(step.pass_id).produces[form], taken + 1, (*made, step)))
        for name, produces in conversions.items():
            if produces.get(form, form) != form:
                waiting.append((produces[form], taken, (*made, Step(name))))
    return None
