"""A run that was measured elsewhere, taken in from its file as from a stranger.

Everything is decoded into the types that it claims to be of, checked, and given ids of its own, so that it
can stand for nothing that is here: no model, no artifact of the cache, no run. Nothing of it is opened.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from math import isfinite
from pathlib import Path

from core.archives.zips import ZipLimits, inspect_zip, open_zip
from core.domain.bundle import VERSION, Bundle, Extras
from core.domain.measurement import Interval, Latency
from core.domain.model import FileRef
from core.domain.recipe import Artifact
from core.domain.run import Candidate, Result, Run
from core.engine.extras import cleaned, keep_extras
from core.engine.run_export import DOCUMENT, FILES
from core.errors import CorruptFile, InvalidRequest, UnsafeUpload
from core.params import make
from core.registry import get_format, get_pass, get_runtime, passes
from core.serde import from_json
from core.store.blobs import check_name
from core.store.store import Store
from core.texts import one_line
from core.work.folders import job_folder

LARGEST = 64 * 1024 * 1024
"""Bytes of the figures."""
LIMITS = ZipLimits(entries=5000, ratio_from_bytes=LARGEST)
MOST_CANDIDATES, MOST_EVENTS, MOST_SAMPLES = 5000, 200_000, 10_000
HINT = "Export the run again where it was measured."


def import_run(store: Store, path: Path) -> Run:
    """Take in the run that `exported_run` wrote, marked as measured elsewhere.

    Raises:
        CorruptFile: It is no such file, or a part of it is missing.
        UnsafeUpload: It holds what no honest export holds.
        InvalidRequest: It was written by a newer version, or needs techniques that are not here.
    """
    names = {entry.filename for entry in inspect_zip(path, LIMITS) if not entry.is_dir()}
    with open_zip(path) as archive:
        bundle = _decoded(archive, names)
        _check(bundle)
        wanted = {file.sha256: file for each in bundle.artifacts for file in each.files}
        if names != {DOCUMENT, *(f"{FILES}/{sha256}" for sha256 in wanted)}:
            raise UnsafeUpload("The file holds other parts than its run names.", hint=HINT)
        for file in wanted.values():
            _take(store, archive, file)
    extras = _extras(bundle)
    run, moved = _kept(store, bundle)
    for id, each in extras.items():
        keep_extras(store, moved[id], each)
    return run


def _extras(bundle: Bundle) -> dict[str, Extras]:
    """Return the details of candidates, looked at as everything else of a stranger is."""
    if not set(bundle.extras) <= {each.id for each in bundle.candidates}:
        raise UnsafeUpload("The file holds details of other candidates than the run's.", hint=HINT)
    try:
        return {id: cleaned(each) for id, each in bundle.extras.items()}
    except ValueError as error:
        raise UnsafeUpload(f"Details of a candidate cannot be: {one_line(str(error))}.", hint=HINT) from error


def _decoded(archive: zipfile.ZipFile, names: set[str]) -> Bundle:
    if DOCUMENT not in names:
        raise CorruptFile("The file holds no run.", hint="Choose one that was exported from Runs.")
    if archive.getinfo(DOCUMENT).file_size > LARGEST:
        raise UnsafeUpload("The run's figures are larger than any run's.", hint=HINT)
    with archive.open(DOCUMENT) as part:
        text = part.read(LARGEST + 1)
    try:
        version = from_json(text, dict).get("version")
        if isinstance(version, int) and version > VERSION:
            raise InvalidRequest("The run was exported by a newer version.", hint="Update Whetstone.")
        return from_json(text, Bundle)
    except (ValueError, RecursionError) as error:
        why = one_line(str(error))
        raise CorruptFile(f"The file holds no run that can be read: {why}", hint=HINT) from error


def _take(store: Store, archive: zipfile.ZipFile, file: FileRef) -> None:
    """Keep one file under its content's hash, which must be the one it is named by."""
    with job_folder(store.jobs_dir) as folder:
        part, left = folder / "part", file.size
        with archive.open(f"{FILES}/{file.sha256}") as source, part.open("wb") as sink:
            while block := source.read(1 << 20):
                left -= len(block)
                if left < 0:
                    raise UnsafeUpload("A file is larger than its run says.", hint=HINT)
                sink.write(block)
        found = store.blobs.add(part, file.name)
    if (found.sha256, found.size) != (file.sha256, file.size):
        raise CorruptFile(f"The file {file.name} is not what its run says.", hint=HINT)


def _check(bundle: Bundle) -> None:
    """Refuse what the pages could not draw, and what needs more than is here.

    Raises:
        UnsafeUpload: It does not hang together.
        InvalidRequest: A technique or runtime is not known here.
    """
    run, candidates = bundle.run, bundle.candidates
    ids = {each.id for each in candidates}
    counted = len(candidates) <= MOST_CANDIDATES and len(bundle.events) <= MOST_EVENTS
    places = {(each.machine, each.position) for each in candidates}
    kinds = run.request.measure_on or ("",)
    whole = len(ids) == len(places) == len(candidates) and all((kind, 0) in places for kind in kinds)
    mine = all(each.run_id == run.id and each.machine in kinds for each in candidates)
    if run.status.active or not counted or not whole or not mine:
        raise UnsafeUpload("The run does not hang together.", hint=HINT)
    if (bundle.data is None) != (run.request.data_id is None):
        raise UnsafeUpload("The run says two things of its data.", hint=HINT)
    for each in candidates:
        _check_candidate(each)
    some = next((each.result for each in candidates if each.result is not None), None)
    for artifact in bundle.artifacts:
        get_format(artifact.format)
        _check_details(artifact, some)
        for file in artifact.files:
            check_name(file.name)


def _check_details(artifact: Artifact, result: Result | None) -> None:
    """Refuse details that the technique they are of cannot read."""
    technique = passes().get(artifact.step.pass_id) if artifact.step else None
    if technique is None or result is None:
        return
    try:
        list(technique.findings(artifact.details, result))
    except Exception as error:  # whatever a stranger's values make of it
        raise UnsafeUpload(f"What {technique.name} told cannot be read.", hint=HINT) from error


def _check_candidate(candidate: Candidate) -> None:
    get_runtime(candidate.recipe.target.runtime_id)
    for step in candidate.recipe.steps:
        make(get_pass(step.pass_id).Params, step.params)
    if not candidate.status.final or (candidate.result is not None and not _plausible(candidate.result)):
        raise UnsafeUpload(f"The figures of {one_line(candidate.name)} are none.", hint=HINT)


def _plausible(result: Result) -> bool:
    """Whether times and speed-ups are positive numbers in their order, as every measurement gives them."""
    timing = result.timing
    times = all(map(_positive, (timing.latency, timing.baseline))) and _ordered(timing.speedup, 0.0)
    rates = all(batch > 0 and isfinite(rate) and rate >= 0 for batch, rate in timing.throughput.items())
    known = [*timing.throughput_interval.values(), *timing.throughput_gain.values()]
    drawn = all(_ordered(each, 0.0) for each in known) and len(timing.samples_ms) <= MOST_SAMPLES
    drop = result.accuracy.drop if result.accuracy else None
    return (
        times
        and rates
        and drawn
        and timing.pace > 0
        and (drop is None or drop.low <= drop.value <= drop.high)
    )


def _positive(latency: Latency) -> bool:
    return 0 < latency.ci_low <= latency.ci_high and latency.p50 > 0 and latency.runs > 0


def _ordered(found: Interval, above: float) -> bool:
    return above < found.low <= found.value <= found.high


def _kept(store: Store, bundle: Bundle) -> tuple[Run, dict[str, str]]:
    """Store everything under ids of its own; return the run and the ids of candidates by those they had."""
    id = store.runs.new_id()
    here = f"elsewhere-{id}"
    model = store.models.add(replace(bundle.model, id=here, name=one_line(bundle.model.name), files=()))
    data = bundle.data and store.data.add(
        replace(bundle.data, id=here, name=one_line(bundle.data.name), files=())
    )
    renamed = {each.id: f"{here}-{number}" for number, each in enumerate(bundle.artifacts)}
    for artifact in bundle.artifacts:
        store.artifacts.save(_renamed(artifact, renamed, model.id))
    moved = {each.id: f"{id}-{number}" for number, each in enumerate(bundle.candidates)}
    candidates = [
        replace(
            each,
            id=moved[each.id],
            run_id=id,
            name=one_line(each.name),
            artifact_id=renamed.get(each.artifact_id or "", here if each.artifact_id else None),
        )
        for each in bundle.candidates
    ]
    events = [
        replace(each, candidate=moved.get(each.candidate, ""), data=_data(each.data, moved))
        for each in bundle.events
    ]
    asked = replace(bundle.run.request, model_id=model.id, data_id=data.id if data else None, executor="")
    first = next((each.result for each in candidates if each.result is not None), None)
    run = replace(
        bundle.run,
        id=id,
        name=one_line(bundle.run.name),
        request=asked,
        data_id=asked.data_id,
        worker=None,
        heartbeat=None,
        cancel_requested=False,
        tags=("imported",),
        notes="",
        imported=one_line(first.timing.environment.cpu if first else "") or "another machine",
    )
    return store.runs.take_in(run, candidates, events), moved


def _renamed(artifact: Artifact, renamed: dict[str, str], model_id: str) -> Artifact:
    parent = None if artifact.parent is None else renamed.get(artifact.parent, model_id)
    return replace(artifact, id=renamed[artifact.id], parent=parent)


def _data(data: dict[str, object], moved: dict[str, str]) -> dict[str, object]:
    """Return the data of an event, whose list of candidates, if any, has their ids here."""
    listed = data.get("candidates")
    if not isinstance(listed, list):
        return data
    return data | {"candidates": [moved[each] for each in listed if each in moved]}
