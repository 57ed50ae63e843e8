"""Accuracy in detail, kept as a file beside a candidate's result."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from core.domain.accuracy_detail import AccuracyDetail
from core.domain.model import FileRef
from core.engine.evidence import stored
from core.serde import to_json
from core.store.store import Store

DETAIL = "accuracy.json"


def keep_detail(store: Store, detail: AccuracyDetail) -> FileRef:
    """Put a detail into the content store."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / DETAIL
        path.write_text(to_json(detail), encoding="utf-8")
        return store.blobs.add(path)


def accuracy_detail_of(store: Store, candidate_id: str) -> AccuracyDetail | None:
    """Return the detail of a candidate; None of one that was measured before details were kept."""
    return stored(store, candidate_id, DETAIL, AccuracyDetail)
