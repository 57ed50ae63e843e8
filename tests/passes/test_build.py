from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InvalidRequest, PassNotApplicable
from core.passes.build import build
from core.protocols import LocalArtifact
from core.sandbox.process import Child
from core.serde import to_plain
from tests.passes.conftest import Sample, answer


def payload(pass_id: str, sample: Sample, format: str, folder: Path, **more: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    plain, model = to_plain(sample.artifacts[format]), to_plain(sample.model)
    given = {"pass_id": pass_id, "params": {}, "model": model, "artifact": plain, "folder": str(folder)}
    return given | {"data": None, "seed": 0, "threads": 1} | more


def data(folder: Path, sample: Sample) -> Path:
    shape = sample.model.shapes(1)[sample.model.inputs[0].name][1:]
    rows = np.random.default_rng(0).standard_normal((6, *shape)).astype(np.float32)
    for part in ("calibration", "evaluation"):
        (folder / part).mkdir(parents=True)
        np.save(folder / part / "0.npy", rows)
    return folder


@pytest.mark.parametrize("pass_id", ["int8_static_ort", "int8_static_nncf"])
def test_a_confined_child_builds_with_data(pass_id: str, resnet: Sample, tmp_path: Path) -> None:
    rows, folder = data(tmp_path / "data", resnet), tmp_path / "out"
    given = payload(pass_id, resnet, "onnx", folder, data=str(rows), params={"samples": 4})
    reads = [rows, *resnet.artifacts["onnx"].files]
    with Child("core.passes.build", reads=reads, writes=folder) as child:
        built = child.call("build", given, timeout=120)
    assert built["details"]["samples"] == 4
    files = tuple(folder / name for name in built["files"])
    assert folder / built["path"] == files[0]
    found = LocalArtifact(built["format"], files[0], files, built["options"], built["details"])
    assert answer(found, resnet.model)[0].shape == (1, 10)


def test_a_confined_child_exports(resnet: Sample, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    given = payload("export_onnx", resnet, "pt2", folder)
    with Child("core.passes.build", reads=resnet.artifacts["pt2"].files, writes=folder) as child:
        assert child.call("build", given, timeout=120)["files"] == ["model.onnx"]


def test_the_same_request_gives_the_same_bytes(resnet: Sample, tmp_path: Path) -> None:
    first, second = (
        tmp_path / name / build(payload("int8_static_ort", resnet, "onnx", tmp_path / name))["path"]
        for name in ("one", "two")
    )
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()


def test_errors_keep_their_kind(graphs: dict[str, Sample], tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable):
        build(payload("int8_dynamic", graphs["nothing"], "onnx", tmp_path / "out"))
    with pytest.raises(InvalidRequest):
        build(payload("int8_dynamic", graphs["nothing"], "onnx", tmp_path / "out", params={"colour": "red"}))
