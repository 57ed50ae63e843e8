"""Bare models and all models of a run, through the engine, the routes and the command line."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.cli import main
from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus, RunRequest
from core.errors import InvalidRequest, UnsafeUpload
from core.store.store import Store
from core.views import run_archive
from pages.routes import ROUTES
from tests.factories import result
from tests.runtimes import networks

CLIENT = TestClient(Starlette(routes=ROUTES))
NAMES = {"FP32 · ONNX Runtime": "onnxruntime", "IR · OpenVINO": "openvino", "Late": "onnxruntime"}


@pytest.fixture
def run_id(store: Store, mlp: SourceModel, tmp_path: Path) -> str:
    """Return a run of the uploaded baseline, a model of two files, and a candidate that was not measured."""
    laid = networks.save(*networks.perceptron(), "openvino", tmp_path / "ir")
    files = tuple(store.blobs.add(path) for path in laid.files)
    built = Artifact("built", mlp.id, Step("convert_openvino"), "openvino", files)
    store.artifacts.save(built)
    run_id = store.runs.new_id()
    planned = [
        Candidate(f"c{number}", run_id, number, name, Recipe((), Target(runtime)))
        for number, (name, runtime) in enumerate(NAMES.items())
    ]
    store.runs.create(RunRequest(mlp.id), "the run", planned)
    store.work.claim("w1")
    for candidate, artifact_id in zip(planned, (mlp.id, built.id), strict=False):
        done = replace(candidate, status=CandidateStatus.DONE, result=result(), artifact_id=artifact_id)
        store.candidates.save(done, "w1")
    return run_id


def test_a_bare_model_is_the_file_itself(store: Store, mlp: SourceModel, run_id: str) -> None:
    answer = CLIENT.get("/download-model/c0")
    assert answer.content == store.blobs.path(mlp.files[0]).read_bytes()
    assert 'filename="model-fp32-onnx-runtime.onnx"' in answer.headers["Content-Disposition"]
    told = CLIENT.get("/download-model/c0?prepare=1").json()
    assert told == {"name": "model-fp32-onnx-runtime.onnx", "size": mlp.files[0].size}


def test_a_model_of_several_files_is_a_zip_of_them(run_id: str) -> None:
    answer = CLIENT.get("/download-model/c1")
    assert 'filename="model-ir-openvino-model.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["model-ir-openvino/model.xml", "model-ir-openvino/model.bin"]
        assert archive.read("model-ir-openvino/model.xml").startswith(b"<?xml")


def test_all_models_of_a_run_come_at_once_with_its_results(
    store: Store, mlp: SourceModel, run_id: str, tmp_path: Path
) -> None:
    answer = CLIENT.get(f"/download-run/{run_id}")
    assert f'filename="model-{run_id}.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        results = json.loads(archive.read("results.json"))
        paths = [each["artifact"] for each in results["candidates"]]
        assert paths[2] is None
        assert set(paths[:2]) < set(archive.namelist())
        assert archive.read(paths[0]) == store.blobs.path(mlp.files[0]).read_bytes()
        assert len(archive.namelist()) == 4
    assert main(["export", run_id, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / f"model-{run_id}.zip").read_bytes() == answer.content
    assert main(["export", "c0", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "model-fp32-onnx-runtime.onnx").stat().st_size == mlp.files[0].size


def test_what_cannot_be_sent_is_explained(
    store: Store, mlp: SourceModel, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for address, status in (("model/c2", 409), ("model/nothing", 404), ("run/nothing", 404)):
        answer = CLIENT.get(f"/download-{address}?prepare=1")
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
    waiting = Candidate("e", "x", 0, "n", Recipe((), Target("onnxruntime")))
    empty = store.runs.create(RunRequest(mlp.id), "empty", [waiting])
    with pytest.raises(InvalidRequest, match="No candidate of this run was measured"):
        run_archive(store, empty.id)
    assert main(["export", "nothing"]) == 2
    assert "not in the store" in capsys.readouterr().err


def test_a_hostile_model_is_not_handed_on(store: Store, run_id: str, tmp_path: Path) -> None:
    built = store.artifacts.get("built")
    (tmp_path / "stray.so").write_bytes(b"code")
    store.artifacts.save(replace(built, files=(*built.files, store.blobs.add(tmp_path / "stray.so"))))
    assert CLIENT.get("/download-model/c1").status_code == 409
    with pytest.raises(UnsafeUpload, match="does not belong"):
        run_archive(store, run_id)
