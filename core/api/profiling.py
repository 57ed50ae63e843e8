"""Where a candidate's time goes, and where its error comes from, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.api.finding import measured_candidate, run_of
from core.domain.layer_errors import LayerErrors
from core.engine import layer_errors as errors_of_layers
from core.engine import open_store
from core.engine import profile as profile_candidate
from core.engine.profiling import not_profilable
from core.store.store import Store
from core.views.profile import ProfileView, profile_view
from core.work.unit import Progress, unheard


def layer_errors(
    run: str | Path,
    candidate: str = "",
    *,
    again: bool = False,
    on_progress: Callable[[Progress], None] = unheard,
    store: Store | None = None,
) -> LayerErrors:
    """Return behind which layers the values of a measured candidate part from those in float.

    Args:
        run: Id of the run, or the folder that ``optimize --out`` wrote.
        candidate: Id or name; the recommended one, else the fastest, if empty.
        again: Compare anew in any case.
        on_progress: Told what is being done.
        store: That holds the run; the configured one by default.

    Raises:
        InputError: The candidate's layers cannot be held against float, with the reason.
        NotFound: There is no such run or candidate.
    """
    store = store or open_store()
    found = measured_candidate(store, run_of(store, run), candidate)
    return errors_of_layers(store, found.id, on_progress, again=again)


def profile(
    run: str | Path,
    candidate: str = "",
    *,
    again: bool = False,
    on_progress: Callable[[Progress], None] = unheard,
    store: Store | None = None,
) -> ProfileView:
    """Return where the time of a measured candidate goes, layer by layer, beside the baseline.

    What was profiled on this machine before is not profiled again.

    Args:
        run: Id of the run, or the folder that ``optimize --out`` wrote.
        candidate: Id or name; the recommended one, else the fastest, if empty.
        again: Make new profiles in any case.
        on_progress: Told what is being done.
        store: That holds the run; the configured one by default.

    Raises:
        InputError: The candidate was not measured, or its runtime has no profiler.
        NotFound: There is no such run or candidate.
    """
    store = store or open_store()
    run_id = run_of(store, run)
    found = measured_candidate(store, run_id, candidate)
    made = profile_candidate(store, found.id, on_progress, again=again)
    everyone = store.candidates.list(run_id)
    baseline = next(each for each in everyone if each.machine == found.machine)
    if baseline.id == found.id or not_profilable(baseline):
        return profile_view(made)
    return profile_view(made, profile_candidate(store, baseline.id, on_progress, again=again))
