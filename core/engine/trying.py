"""Trials of services, made when they are asked for and kept as evidence."""

from __future__ import annotations

from collections.abc import Callable

from core.bench.serving.trial import SERVICE, TrialRequest
from core.bench.serving.trial import UNIT as TRIAL
from core.domain.service import Trial
from core.engine.evidence import keep, stored_sweep, tried
from core.engine.executors import local
from core.engine.kits import chosen, kit_path
from core.errors import BackendMissing, InvalidRequest
from core.machine.cores import all_cores
from core.packagers.serving.options import Features, on
from core.protocols import Availability, Packager
from core.store.store import Store
from core.work.stop import Stop
from core.work.unit import Progress, unheard


def try_service(
    store: Store,
    candidate_id: str,
    spelled: str,
    on_progress: Callable[[Progress], None] = unheard,
    stop: Stop | None = None,
) -> Trial:
    """Start a service of a candidate confined on this machine, ask it, load it, and keep what came of it.

    Args:
        store: Holds the candidate.
        candidate_id: Which one.
        spelled: Kind of service with its options, as `core.search.spelling.parse_packager` reads it.
        on_progress: Told what is being done.
        stop: Ends it early.

    Raises:
        InvalidRequest: It is no service, or this candidate makes none.
        BackendMissing: A package that the service imports is not installed here.
        ChildCrashed: The service ended, or answers nothing.
        ChildTimeout: It was not ready in time.
        Cancelled: It was stopped.
    """
    packager, params = chosen(spelled)
    require_trial(packager)
    candidate = store.candidates.get(candidate_id)
    _require(packager.can_run(params), packager.name)
    on_progress(Progress(message="writing the service", share=0.0))
    file = store.blobs.add(kit_path(store, candidate_id, spelled))
    request = TrialRequest(
        file.name,
        packager.id,
        candidate.recipe.target.threads,
        tuple(on(Features, params)),
    )
    unit = TRIAL.unit(request, inputs={SERVICE: (file,)}, cores=request.threads, alone=True)
    with all_cores():
        found = local(store).run(unit, stop or Stop(), on_progress).values
    keep(store, candidate_id, tried(packager, params), found)
    return found


def require_trial(packager: Packager) -> None:
    """Refuse a kind of service that no trial starts here.

    Raises:
        InvalidRequest: It is no service, or a program of its own serves it.
    """
    if packager.elsewhere:
        raise InvalidRequest(f"{packager.name} is not tried here.", hint=packager.elsewhere)
    if not packager.serves:
        raise InvalidRequest(f"{packager.name} is no service.", hint="Choose a service to try.")


def sweep_wanted(store: Store, candidate_id: str, spelled: str) -> bool:
    """Whether dynamic batching was chosen and nothing was measured to choose its batches by."""
    _, params = chosen(spelled)
    result = store.candidates.get(candidate_id).result
    known = result is not None and {1} < set(result.timing.throughput)
    chooses = getattr(params, "batching", False) and getattr(params, "max_batch", None) is None
    return chooses and not known and stored_sweep(store, candidate_id) is None


def _require(found: Availability, name: str) -> None:
    if not found.ok:
        raise BackendMissing(f"{name} cannot be tried here: {found.reason}", hint=found.install)
