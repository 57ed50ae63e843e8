"""Profiles of candidates and rooflines of machines, made when they are asked for and kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.bench.profile.layers import DATA, MODEL, ProfileRequest
from core.bench.profile.layers import UNIT as LAYERS
from core.bench.profile.roofline import UNIT as ROOFLINE
from core.bench.profile.roofline import RooflineRequest
from core.datasets.splits import FOR_EVALUATION
from core.domain.measurement import Environment
from core.domain.profile import Profile
from core.domain.roofline import Roofline
from core.domain.run import Candidate, Run
from core.engine.building import parts_of
from core.engine.built import artifact_of
from core.engine.evidence import keep, stored
from core.engine.executors import executor
from core.errors import InvalidRequest
from core.machine.cores import all_cores
from core.registry import get_runtime
from core.serde import digest, from_json, to_json
from core.store.private import private_folder
from core.store.store import Store
from core.work.executor import Executor
from core.work.stop import Stop
from core.work.unit import Progress, WorkUnit, unheard

PROFILE = "profile.json"
"""Name of a candidate's profile among its result files."""
NOT_MEASURED = "Choose a candidate that was measured; `whetstone profile RUN` lists them."


def stored_profile(store: Store, candidate_id: str) -> Profile | None:
    """Return the profile of a candidate as far as one was made, else None."""
    return stored(store, candidate_id, PROFILE, Profile)


def not_profilable(candidate: Candidate) -> str:
    """Return why a candidate cannot be profiled, as a sentence; empty where it can."""
    if candidate.result is None:
        return f"{candidate.name} was not measured, so there is nothing to profile."
    runtime = get_runtime(candidate.recipe.target.runtime_id)
    return f"{runtime.name} cannot be profiled: {runtime.no_profile}" if runtime.no_profile else ""


def profile(
    store: Store,
    candidate_id: str,
    on_progress: Callable[[Progress], None] = unheard,
    stop: Stop | None = None,
    again: bool = False,
) -> Profile:
    """Return the profile of a measured candidate, made now unless it was made on this machine before.

    Args:
        store: Holds the candidate.
        candidate_id: Which one.
        on_progress: Told what is being done.
        stop: Ends it early.
        again: Make a new one in any case, and measure the roofline anew if the machine was busy then.

    Raises:
        NotFound: There is no such candidate.
        InvalidRequest: It was not measured, or its runtime has no profiler, with the reason.
        RuntimeFailed: Its runtime refuses the artifact.
        Cancelled: It was stopped.
    """
    candidate = store.candidates.get(candidate_id)
    if reason := not_profilable(candidate):
        raise InvalidRequest(reason, hint=NOT_MEASURED)
    run, stop = store.runs.get(candidate.run_id), stop or Stop()
    chosen = executor(store, run.request.executor)
    kind, machine = _machine(chosen, candidate.machine)
    kept = None if again else stored_profile(store, candidate_id)
    if kept is not None and kept.environment.hardware == machine.hardware:
        return kept
    target = candidate.recipe.target
    known = {each.threads: each for each in stored_rooflines(store, machine)}
    anew = again and target.threads in known and known[target.threads].disturbed
    roofs = _measured_roofline(store, chosen, kind, machine, target.threads, on_progress, stop, anew)
    with all_cores():
        made = chosen.run(_unit(store, run, candidate), stop, on_progress).values
    made = replace(made, roofline=roofs)
    keep(store, candidate_id, PROFILE, made)
    return made


def roofline(
    store: Store,
    threads: int = 1,
    on_progress: Callable[[Progress], None] = unheard,
    stop: Stop | None = None,
    again: bool = False,
) -> Roofline:
    """Return the roofline of the machine that measures by itself, from the shelf if it was measured before.

    Args:
        store: Whose folder keeps it.
        threads: Of the measurement.
        on_progress: Told what is being done.
        stop: Ends it early.
        again: Measure anew in any case.

    Raises:
        ChildCrashed: A library died of the measurement.
        Cancelled: It was stopped.
    """
    chosen = executor(store)
    kind, machine = _machine(chosen, "")
    return _measured_roofline(store, chosen, kind, machine, threads, on_progress, stop or Stop(), again)


def stored_rooflines(store: Store, machine: Environment) -> tuple[Roofline, ...]:
    """Return the rooflines of a machine that were measured, by threads."""
    found = []
    for path in sorted(_folder(store).glob(f"{_hardware(machine)}-*.json")):
        with suppress(OSError, ValueError):  # of another version: it is measured anew when asked for
            found.append(from_json(path.read_bytes(), Roofline))
    return tuple(sorted(found, key=lambda roofs: roofs.threads))


def _measured_roofline(
    store: Store,
    chosen: Executor,
    kind: str,
    machine: Environment,
    threads: int,
    on_progress: Callable[[Progress], None],
    stop: Stop,
    again: bool = False,
) -> Roofline:
    kept = {each.threads: each for each in stored_rooflines(store, machine)}
    if threads in kept and not again:
        return kept[threads]
    unit = ROOFLINE.unit(RooflineRequest(threads), cores=threads, alone=True, machine=kind)
    with all_cores():
        made = chosen.run(unit, stop, on_progress).values
    path = _folder(store) / f"{_hardware(machine)}-{threads}.json"
    private_folder(path.parent)
    partial = path.with_suffix(".partial")
    partial.write_text(to_json(made), encoding="utf8")
    partial.replace(path)
    return made


def _folder(store: Store) -> Path:
    return store.folder / "rooflines"


def _hardware(machine: Environment) -> str:
    return digest(*machine.hardware)[:16]


def _machine(chosen: Executor, kind: str) -> tuple[str, Environment]:
    """Return the kind of machine that measures, and what is known of it."""
    known = chosen.machines()
    if kind not in known:
        kind = next(iter(known), kind)
    if kind not in known:
        raise InvalidRequest(
            "The executor has no machine to measure on.", hint="Start a node, or choose --executor local."
        )
    return kind, known[kind]


def _unit(store: Store, run: Run, candidate: Candidate) -> WorkUnit[ProfileRequest, Profile]:
    model, artifact = store.models.get(run.request.model_id), artifact_of(store, candidate)
    inputs = {MODEL: artifact.files}
    if run.data_id:
        inputs[DATA] = parts_of(store.data.get(run.data_id), FOR_EVALUATION)
    target = candidate.recipe.target
    asked = ProfileRequest(model, replace(artifact, details={}), target)
    on = {"cores": target.threads, "machine": candidate.machine}
    return LAYERS.unit(asked, inputs=inputs, seed=run.request.seed, alone=True, **on)
