"""Start, cancel and resume runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from core.domain.events import training_now
from core.domain.run import Run, RunRequest
from core.engine.executors import executor
from core.engine.kits import kit_files, sweep_kits
from core.engine.planning import plan
from core.engine.worker import ensure_worker
from core.errors import InvalidRequest
from core.registry import get_strategy
from core.store.store import Store
from core.store.uploads import Use


def submit(store: Store, request: RunRequest, name: str = "", spent_s: float = 0.0) -> Run:
    """Queue a run and make sure that a worker will take it.

    Args:
        store: Where it is queued.
        request: What to do; planned and checked first.
        name: Display name; empty makes one of model and preset.
        spent_s: Seconds of the budget that reading model and data took.

    Raises:
        InvalidRequest: The request cannot work.
        NotFound: Its model or data is not in the store.
    """
    executor(store, request.executor)  # refuses what is not set up, before anybody waits for it
    model = store.models.get(request.model_id)
    if not model.files:
        raise InvalidRequest(
            f"{model.name} was measured elsewhere and is not here.", hint="Upload the model to run it here."
        )
    planned = plan(store, request)
    if planned.count + planned.most_more < 1 and not request.exports:  # of exports every row is an answer
        refusals = [each.error for each in planned.candidates if each.error is not None]
        reason = refusals[0].message if refusals else "The choice is empty."
        raise InvalidRequest(
            f"There is nothing to try. {reason}", hint="Choose other techniques or runtimes."
        )
    if not name:
        chosen = "export" if request.exports else "chosen by hand" if request.recipes else request.preset
        name = f"{model.name} · {chosen}"
        if request.strategy:
            name += f" · {get_strategy(request.strategy).name.lower()}"
    run_id = store.runs.new_id()
    candidates = [replace(each, id=f"{run_id}-{each.id}", run_id=run_id) for each in planned.candidates]
    run = store.runs.create(request, name, candidates, planned.estimate_s, spent_s)
    ensure_worker()
    return run


def cancel(store: Store, run_id: str) -> None:
    """Ask the worker to stop a run; what is measured stays."""
    store.runs.request_cancel(run_id)


def pause(store: Store, run_id: str) -> Run:
    """Pause a queued run, or ask the worker of a running one to rest after the step that is going on.

    Raises:
        InvalidRequest: It is not active.
    """
    return store.runs.request_pause(run_id)


def finish_training(store: Store, run_id: str) -> Run:
    """Ask the training that goes on to end with its best weights; the run goes on with these.

    Raises:
        InvalidRequest: Nothing is being trained.
    """
    if not training_now(store.events.since(run_id)):
        raise InvalidRequest(
            "Nothing is being trained, or it ends already.", hint="See the run's log for what it does."
        )
    return store.runs.request_finish(run_id)


def resume(store: Store, run_id: str) -> Run:
    """Queue a paused, interrupted, cancelled or failed run again; finished candidates are kept."""
    run = store.runs.resume(run_id)
    ensure_worker()
    return run


def delete(store: Store, run_id: str) -> None:
    """Delete a run with its files.

    Raises:
        InvalidRequest: It is active.
    """
    kits = _kits(store, run_id)
    store.runs.delete(run_id)
    _discard(kits)


def delete_older_than(store: Store, days: float) -> int:
    """Delete inactive runs and unused uploads older than `days`; return how many runs that were."""
    count = store.delete_older_than(days)
    sweep_kits(store)
    return count


def delete_upload(store: Store, id: str, with_runs: bool = False) -> Use:
    """Delete a model or data set, on demand with the runs that use it, and return what went.

    Raises:
        NotFound: There is no such upload.
        InvalidRequest: A run uses it, and is active or should not go.
    """
    kits = [kit for run_id in store.uploads.use(id).runs for kit in _kits(store, run_id)]
    gone = store.uploads.delete(id, with_runs)
    _discard(kits)
    return gone


def _kits(store: Store, run_id: str) -> list[Path]:
    return [kit for each in store.candidates.list(run_id) for kit in kit_files(store, each.id)]


def _discard(kits: Iterable[Path]) -> None:
    for kit in kits:
        kit.unlink(missing_ok=True)
