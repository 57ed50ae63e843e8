"""What the worker of a dashboard does ahead of the next run, while none waits."""

from __future__ import annotations

import time
from contextlib import suppress

from core.bench.timing import spares
from core.bench.timing.process_start import ProcessStart
from core.domain.model import SourceModel
from core.domain.recipe import Recipe
from core.domain.run import RunRequest
from core.engine.building import warm_exports
from core.engine.planning import candidate_of, proposals
from core.engine.structure import read_ahead
from core.errors import WhetstoneError
from core.machine.environment import environment
from core.registry import get_pass
from core.search.presets import baseline
from core.settings import get_settings
from core.store.store import Store

SPARES_S = 1800.0
"""Nobody uploaded or measured anything for so long: the memory of what waits is worth more."""
BASELINES = 3
"""Of the first two measurements: the baseline against itself, and beside the first candidate."""


class Ahead:
    """Imports what exports and measurements need, and exports what was uploaded last.

    Args:
        store: Holds the uploads.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._ready, self._seen = store, False, set[str]()
        self._model = ""
        self._wanted: list[ProcessStart] = []
        self._asked = time.monotonic()

    def step(self) -> None:
        """Do the next of it; a few seconds at most."""
        if not self._ready:
            self._ready = True
            warm_exports()
            return
        # The uploads of others may lie on other machines, and so may what measures.
        if get_settings().database_url or get_settings().executor != "local":
            return
        read_ahead(self._store, self._seen)
        lately = self._look() or time.monotonic() - self._asked < SPARES_S
        with suppress(WhetstoneError, OSError):  # told where a measurement meets it
            spares.fill(self._wanted if lately else [], self._store.jobs_dir)

    def begin(self, request: RunRequest) -> None:
        """End what waits where this run, of another model or with other threads, has no use for it."""
        if (request.model_id, request.threads) != (self._model, RunRequest("").threads):
            self.end()

    def worked(self) -> None:
        """A run has just ended: the next may come soon."""
        self._asked = time.monotonic()

    def end(self) -> None:
        """End all processes that wait."""
        spares.fill([], self._store.jobs_dir)

    def _look(self) -> bool:
        """Take the model that was uploaded last for the one that is measured next; whether there is any."""
        latest = next(iter(self._store.models.recent(SPARES_S)), None)
        if latest is not None and latest.id != self._model:
            self._model = latest.id
            with suppress(WhetstoneError):  # told where somebody plans a run of it
                self._wanted = first_starts(latest)
        return latest is not None


def first_starts(model: SourceModel) -> list[ProcessStart]:
    """Return the processes that a run of `model` starts before its first candidate is measured, in order.

    Raises:
        WhetstoneError: No runtime runs it as it was uploaded.
    """
    request, here = RunRequest(model.id), environment()
    own = baseline(model, request.threads, request.batch)
    foreseen = proposals(request, model, here, None).foreseen(own)
    first = (each for each in foreseen if candidate_of(1, model, each, here).error is None)
    starts = [_start(model, own)] * BASELINES
    return starts + [_start(model, each) for each in list(first)[:1]]


def _start(model: SourceModel, recipe: Recipe) -> ProcessStart:
    form = model.format
    for step in recipe.steps:
        form = get_pass(step.pass_id).produces[form]
    return ProcessStart.of(recipe.target, form, model)
