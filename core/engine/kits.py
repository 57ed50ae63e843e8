"""Write downloads of candidates: kits and services, on demand."""

from __future__ import annotations

import glob
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from core.archives.npz import npz_names
from core.bench.quality.predictions import GOLDEN_NAMES
from core.domain.model import FileRef
from core.domain.run import Candidate, CandidateStatus
from core.engine.building import check, lay_out
from core.engine.built import artifact_of, slug
from core.engine.evidence import evidence, stored_sweep, stored_trial
from core.engine.executors import local
from core.engine.measuring import GOLDEN
from core.engine.referring import reference
from core.errors import BackendMissing, InvalidRequest
from core.packagers import pack
from core.packagers.pack import UNIT as PACK
from core.packagers.pack import PackRequest
from core.params import make
from core.protocols import Packager
from core.registry import get_format, get_packager, get_pass, get_runtime, packagers
from core.search import recipe_files
from core.search.spelling import parse_packager
from core.serde import digest, to_plain
from core.store.blobs import GRACE_S
from core.store.private import private_folder
from core.store.store import Store
from core.work.folders import job_folder
from core.work.stop import Stop

Inputs = dict[str, tuple[FileRef, ...]]


def default_packager() -> str:
    """Return the id of the kind of download that is offered first."""
    return next(iter(packagers()))


def kit_name(store: Store, candidate_id: str, spelled: str = "") -> str:
    """Return the file name of what `kit_path` writes, ``{model}-{recipe}-{runtime}.zip`` for a kit."""
    packager, _ = chosen(spelled)
    kind = "" if packager.id == default_packager() else f"-{slug(packager.id)}"
    return f"{stem(store, store.candidates.get(candidate_id))}{kind}.{packager.suffix}"


def chosen(spelled: str) -> tuple[Packager, Any]:
    """Return the packager and its parameters that are spelled, the first kind for an empty text."""
    name, given = parse_packager(spelled or default_packager())
    packager = get_packager(name)
    return packager, make(packager.Params, given)


def stem(store: Store, candidate: Candidate) -> str:
    """Return ``{model}-{recipe}-{runtime}``, under which downloads of a candidate are saved."""
    model = store.models.get(store.runs.get(candidate.run_id).request.model_id)
    machine = f"-{slug(candidate.machine)}" if candidate.machine else ""
    return f"{slug(model.name)}-{slug(candidate.name)}{machine}"


def kits_dir(store: Store) -> Path:
    """Return the folder of the kits that were written; all of them can be written again."""
    return store.folder / "kits"


def sweep_kits(store: Store) -> None:
    """Remove written kits but those so young that somebody may be downloading them."""
    limit = time.time() - GRACE_S
    for kit in kits_dir(store).glob("*.*"):
        with suppress(FileNotFoundError):  # its run was deleted meanwhile
            if kit.stat().st_mtime < limit:
                kit.unlink()


def kit_file(store: Store, candidate_id: str, spelled: str = "") -> Path:
    """Return where a download of a candidate lies once it is written."""
    packager, params = chosen(spelled)
    known = evidence(store, candidate_id, packager, params) if packager.deploys else []
    settings = "" if params == packager.Params() and not known else f".{digest(to_plain(params), known)[:12]}"
    return kits_dir(store) / f"{candidate_id}.{packager.id}{settings}.{packager.suffix}"


def kit_files(store: Store, candidate_id: str) -> list[Path]:
    """Return all written downloads of a candidate."""
    return list(kits_dir(store).glob(f"{glob.escape(candidate_id)}.*"))


def kit_path(store: Store, candidate_id: str, spelled: str = "") -> Path:
    """Return a download of a candidate, written on the first demand.

    Args:
        store: Holds the candidate.
        candidate_id: Which one.
        spelled: Kind of download with its parameters, as `core.search.spelling.parse_packager` reads it; the
            kit for an empty text.

    Raises:
        InvalidRequest: There is no such kind, or none for this candidate, with the reason.
        NotFound: There is no such candidate.
    """
    candidate = store.candidates.get(candidate_id)
    kept = kit_file(store, candidate_id, spelled)
    if kept.exists():
        return kept
    packager, params = chosen(spelled)
    _require_available(packager)
    request, inputs = _asked(store, candidate, packager, params)
    with job_folder(store.jobs_dir) as folder:
        unit = PACK.unit(request, inputs=inputs, reads=tuple(request.files.values()))
        made = store.blobs.lay_out(local(store).run(unit, Stop()).files, folder / "made")
        private_folder(kept.parent)
        made[0].replace(kept)
    return kept


def _asked(store: Store, candidate: Candidate, packager: Packager, params: Any) -> tuple[PackRequest, Inputs]:
    """Return what to pack, and the files for it, which were looked at."""
    request, inputs = _packed(store, candidate, packager, params)
    if not packager.deploys:
        return request, inputs
    request = msgspec.structs.replace(
        request,
        sweep=stored_sweep(store, candidate.id),
        trial=stored_trial(store, candidate.id, packager, params),
    )
    kept = (
        reference(store, candidate, artifact_of(store, candidate))
        if packager.needs_reference(params)
        else None
    )
    if kept is not None:
        request = msgspec.structs.replace(request, reference=kept.name)
        inputs = {**inputs, pack.REFERENCE: (kept,)}
    if packager.needs_original(params):
        original, others = _packed(store, original_of(store, candidate), packager, params)
        request = msgspec.structs.replace(request, original=original)
        inputs = inputs | {f"{pack.ORIGINAL}{name}": files for name, files in others.items()}
    if other := packager.second(params):
        second, others = _packed(store, _second(store, candidate, other), packager, params)
        request = msgspec.structs.replace(request, second=second)
        inputs = inputs | {f"{pack.SECOND}{name}": files for name, files in others.items()}
    return request, inputs


def _second(store: Store, candidate: Candidate, other: str) -> Candidate:
    found = store.candidates.get(other)
    if found.run_id != candidate.run_id or found.id == candidate.id:
        raise InvalidRequest(
            f"{found.name} is not another candidate of the same run.", hint="Choose one of this run."
        )
    return found


def _packed(
    store: Store, candidate: Candidate, packager: Packager, params: Any
) -> tuple[PackRequest, Inputs]:
    run, artifact = store.runs.get(candidate.run_id), artifact_of(store, candidate)
    if candidate.result is None and candidate.status is not CandidateStatus.UNMEASURED:
        raise InvalidRequest(f"{candidate.name} was not measured.", hint="Choose a finished candidate.")
    packager.requires(candidate, artifact)
    baseline = _baseline(store, candidate)
    # What nothing here runs is to answer elsewhere as the original did.
    answered = candidate.id if candidate.result is not None else baseline.id
    golden = next(file for file in _files(store, answered) if file.name == GOLDEN)
    with job_folder(store.jobs_dir) as folder:
        check(store, [lay_out(store, artifact, folder / "model")])
    request = PackRequest(
        packager=packager.id,
        params=to_plain(params),
        model=store.models.get(run.request.model_id),
        candidate=candidate,
        baseline=baseline,
        artifact=artifact,
        data=store.data.get(run.data_id) if run.data_id else None,
        golden=golden.name,
        golden_samples=_samples(store.blobs.path(golden)),
        recipe=recipe_files.dump(candidate.recipe, filled=True),
        seed=run.request.seed,
        files=dict(get_runtime(candidate.recipe.target.runtime_id).kit_files()),
    )
    return request, {pack.MODEL: artifact.files, pack.GOLDEN: (golden,)}


def original_of(store: Store, candidate: Candidate) -> Candidate:
    """Return what answers in place of a candidate that fails: the baseline, or its plain conversion.

    Raises:
        InvalidRequest: The candidate is that itself, or nothing of the kind was measured.
    """
    everyone = (each for each in store.candidates.list(candidate.run_id) if each.machine == candidate.machine)
    for each in everyone:
        plain = all(get_pass(step.pass_id).bridges for step in each.recipe.steps)
        if plain and each.result is not None and get_format(artifact_of(store, each).format).standalone:
            if each.id == candidate.id:
                break
            return each
    raise InvalidRequest(
        f"There is no original model to stand in for {candidate.name}: it is the original itself, or that "
        "cannot run without its network's code.",
        hint="Leave fallback out, or measure a plain conversion in the same run.",
    )


def _files(store: Store, candidate_id: str) -> tuple[FileRef, ...]:
    """Return what was kept of a candidate's measurement.

    Raises:
        NotFound: Its golden samples are not there.
    """
    store.results.get(candidate_id, GOLDEN)
    return store.results.list(candidate_id)


def _baseline(store: Store, candidate: Candidate) -> Candidate:
    everyone = store.candidates.list(candidate.run_id)
    return next(each for each in everyone if each.machine == candidate.machine)


def _require_available(packager: Packager) -> None:
    found = packager.available()
    if not found.ok:
        raise BackendMissing(f"{packager.name} cannot be written here: {found.reason}", hint=found.install)


def _samples(golden: Path) -> int:
    names = npz_names(golden, GOLDEN_NAMES)
    return sum(name.startswith("input_") and name.endswith("_0") for name in names)
