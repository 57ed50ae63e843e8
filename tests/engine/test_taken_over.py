"""What a working process that a model took over leaves behind is neither kept nor packed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus, RunRequest
from core.engine import building, kit_path
from core.errors import UnsafeUpload
from core.passes.build import Built
from core.store.store import Store
from core.work import local as work_local
from core.work.stop import Stop
from tests.archives.conftest import TorchFiles, torch_files
from tests.archives.hostile import PROGRAMS, rewrite
from tests.factories import result

__all__ = ["torch_files"]


@pytest.fixture
def hostile(torch_files: TorchFiles, tmp_path: Path) -> Path:
    return rewrite(torch_files.program, tmp_path / "model.pt2", PROGRAMS["weight"](tmp_path / "ran"))


def test_a_hostile_result_is_not_stored(
    store: Store, mlp: SourceModel, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confined = work_local._confined

    def taken_over(kind: Any, unit: Any, stop: Stop, place: Any) -> tuple[Any, list[str]]:
        if unit.kind != "core.passes.build":
            return confined(kind, unit, stop, place)
        (place.out / "model.pt2").write_bytes(hostile.read_bytes())
        return Built("pt2", {}, {}), ["model.pt2"]

    monkeypatch.setattr(work_local, "_confined", taken_over)
    builder = building.Builder(store, mlp, None, 0, Stop(), lambda step: None, lambda step, seconds: None)
    with pytest.raises(UnsafeUpload, match="pickled Python object"):
        builder.build(Recipe((Step("int8_dynamic"),), Target("onnxruntime")))
    assert len(list(store.blobs.root.glob("??/*"))) == len(mlp.files)


def test_a_hostile_artifact_is_not_packed(store: Store, mlp: SourceModel, hostile: Path) -> None:
    built = Artifact("built", mlp.id, Step("export_pt2"), "pt2", (store.blobs.add(hostile),))
    store.artifacts.save(built)
    run_id = store.runs.new_id()
    planned = Candidate("c", run_id, 0, "name", Recipe((), Target("pytorch")))
    store.runs.create(RunRequest(mlp.id), "run", [planned])
    store.work.claim("w1")
    done = replace(planned, status=CandidateStatus.DONE, result=result(), artifact_id=built.id)
    store.candidates.save(done, "w1")
    store.results.refer("c", store.blobs.add(hostile, "golden.npz"), "w1")
    with pytest.raises(UnsafeUpload, match="pickled Python object"):
        kit_path(store, "c")
    assert not list(store.folder.glob("kits/*"))
