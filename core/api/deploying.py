"""Services of measured candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.api.finding import measured_candidate, run_of
from core.archives.zips import extract_zip
from core.domain.service import Trial
from core.engine import kit_path, open_store, require_trial, sweep, sweep_wanted, try_service
from core.errors import InvalidRequest
from core.packagers.serving.options import Features, Packaging, switched_on
from core.params import make
from core.registry import get_packager, packagers
from core.search.spelling import spell_packager
from core.store.store import Store
from core.work.unit import Progress, unheard


@dataclass(frozen=True)
class Deployment:
    """A service that was made of a candidate.

    Attributes:
        candidate_id: Which one.
        spelled: Kind of service with its options, as `core.search.spelling.parse_packager` reads it.
        folder: Where it was written to; None where it was not.
        trial: What came of trying it; None where it was not tried.
    """

    candidate_id: str
    spelled: str
    folder: Path | None
    trial: Trial | None


def deploy(
    run: str | Path,
    candidate: str = "",
    *,
    kind: str = "fastapi",
    features: Sequence[str] = (),
    package: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    canary: str = "",
    shadow: str = "",
    out: str | Path | None = None,
    trying: bool = False,
    on_progress: Callable[[Progress], None] = unheard,
    store: Store | None = None,
) -> Deployment:
    """Make a service of a measured candidate.

    Args:
        run: Id of the run, or the folder that ``optimize --out`` wrote.
        candidate: Id or name; the recommended one, else the fastest, if empty.
        kind: Id of the kind of service, such as ``fastapi``.
        features: What it does besides answering, such as ``cache`` and ``auth``. For ``batching`` the
            throughput of other batches is measured first, where it was not.
        package: What runs it elsewhere, such as ``docker`` and ``k8s``.
        options: Other options of the service by name.
        canary: Id or name of another candidate of the run, which a share of the callers gets until it has
            proven itself; it comes with ``versions`` and ``auth``.
        shadow: Id or name of one that is asked the same, answers nobody, and is compared.
        out: Folder to write it to, which must not be there; None writes nothing.
        trying: Start it confined on this machine, ask it, load it and stop it first; what comes of it goes
            into its checklist.
        on_progress: Told what is being done.
        store: That holds the run; the configured one by default.

    Raises:
        InputError: Options do not exist or contradict each other, or the candidate makes no service.
        NotFound: There is no such run or candidate.
        WhetstoneError: It was tried and did not start or answer.
    """
    store = store or open_store()
    found = measured_candidate(store, run_of(store, run), candidate)
    packager = get_packager(kind)
    if not packager.deploys:
        known = ", ".join(each.id for each in packagers().values() if each.deploys)
        raise InvalidRequest(f"{packager.name} is no service.", hint=f"Services: {known}.")
    if trying:
        require_trial(packager)
    params = {**switched_on(Features, features), **switched_on(Packaging, package), **(options or {})}
    params |= _second(store, found.run_id, canary, shadow)
    make(packager.Params, params)
    folder = Path(out) if out is not None else None
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(f"{folder} is there already.", hint="Name another folder, or remove it.")
    spelled = spell_packager(kind, params)
    if sweep_wanted(store, found.id, spelled):
        sweep(store, found.id, on_progress)
    trial = try_service(store, found.id, spelled, on_progress) if trying else None
    path = kit_path(store, found.id, spelled)
    if folder is not None:
        extract_zip(path, folder)
    return Deployment(found.id, spelled, folder, trial)


def _second(store: Store, run_id: str, canary: str, shadow: str) -> dict[str, Any]:
    """Return the options of a service with a second version."""
    wanted = {name: measured_candidate(store, run_id, name).id for name in (canary, shadow) if name}
    if len(set(wanted.values())) > 1:
        raise InvalidRequest(
            "A service has one second version.", hint="Name the same candidate as canary and shadow."
        )
    chosen: dict[str, Any] = {"second": min(wanted.values())} if wanted else {}
    chosen |= dict.fromkeys(("canary", "versions", "auth"), True) if canary else {}
    return chosen | ({"shadow": True} if shadow else {})
