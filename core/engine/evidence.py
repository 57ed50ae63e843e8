"""What was measured of a candidate on demand, kept among its result files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from core.domain.service import Trial
from core.domain.sweep import Sweep
from core.errors import NotFound
from core.protocols import Packager
from core.serde import digest, from_json, to_json, to_plain
from core.store.store import Store

T = TypeVar("T")
SWEPT = "sweep.json"


def tried(packager: Packager, params: Any) -> str:
    """Return the name of the file of a service's trial."""
    return f"trial-{packager.id}-{digest(to_plain(params))[:12]}.json"


def keep(store: Store, candidate_id: str, name: str, found: Any) -> None:
    """Keep what was measured of a candidate.

    Raises:
        NotFound: There is no such candidate.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(to_json(found), encoding="utf-8")
        store.results.keep(candidate_id, store.blobs.add(path))


def stored(store: Store, candidate_id: str, name: str, kind: type[T]) -> T | None:
    """Return what was kept of a candidate under `name`; None where nothing is, or what another version wrote.

    It is measured anew when somebody asks for it.
    """
    with suppress(NotFound, OSError, ValueError):
        return from_json(store.results.get(candidate_id, name).read_bytes(), kind)
    return None


def stored_sweep(store: Store, candidate_id: str) -> Sweep | None:
    """Return the sweep of a candidate, None where none was made."""
    return stored(store, candidate_id, SWEPT, Sweep)


def stored_trial(store: Store, candidate_id: str, packager: Packager, params: Any) -> Trial | None:
    """Return what came of trying a service of a candidate with these options, None where it was not tried."""
    return stored(store, candidate_id, tried(packager, params), Trial)


def evidence(store: Store, candidate_id: str, packager: Packager, params: Any) -> list[str]:
    """Return the content ids of what a service of a candidate is written with besides its options."""
    names = (SWEPT, tried(packager, params))
    return [file.sha256 for file in store.results.list(candidate_id) if file.name in names]
