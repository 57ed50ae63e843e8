"""Several owners on one store: each sees their own, also of the same upload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.model import SourceModel
from core.domain.run import RunRequest
from core.engine import (
    add_model,
    delete,
    delete_upload,
    kit_path,
    model_download,
    plan,
    run_download,
)
from core.engine.building import source_artifact
from core.errors import NotFound
from core.store.store import Store
from core.views import run_view
from sample_models import samples

SAMPLE = next(each for each in samples() if each.id == "cancer-mlp").folder / "model.onnx"


def test_the_same_upload_of_two_owners_is_two_models_on_the_same_files(
    store: Store, mlp: SourceModel
) -> None:
    other = store.of("other")
    theirs = add_model(other, SAMPLE)
    assert theirs.id != mlp.id
    assert theirs.files == mlp.files
    assert add_model(other, SAMPLE) == theirs
    with pytest.raises(NotFound):
        add_model(other, Path(mlp.id))
    delete_upload(store, mlp.id)
    assert store.models.list() == ()
    assert other.models.list() == (theirs,)
    assert store.blobs.holds(theirs.files)


def test_views_downloads_kits_and_deletion_find_nothing_of_another_owner(
    store: Store, mlp: SourceModel, request_for: Callable[..., RunRequest]
) -> None:
    planned = [replace(each, run_id="mine") for each in plan(store, request_for()).candidates]
    run = store.runs.create(request_for(), "run", planned)
    candidate = store.candidates.list(run.id)[0].id
    store.artifacts.save(source_artifact(mlp))
    other = store.of("other")
    for use in (
        lambda: run_view(other, run.id),
        lambda: plan(other, request_for()),
        lambda: kit_path(other, candidate),
        lambda: model_download(other, candidate),
        lambda: run_download(other, run.id, lambda paths: b""),
        lambda: delete(other, run.id),
        lambda: delete_upload(other, mlp.id, with_runs=True),
    ):
        with pytest.raises(NotFound):
            use()
    assert store.runs.get(run.id) == run
