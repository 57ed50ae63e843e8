from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from core import registry
from core.domain.recipe import Artifact, Step, Target
from core.errors import InvalidRequest, PassNotApplicable, UnsafeUpload
from core.passes.build import UNIT, BuildRequest, Built, accept, check
from core.protocols import LocalArtifact, PassContext
from core.store.blobs import Blobs
from core.work.local import LocalExecutor
from core.work.stop import Stop
from core.work.unit import Job, WorkResult
from tests import factories
from tests.passes.conftest import Sample, answer


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def asked(sample: Sample, format: str, blobs: Blobs, pass_id: str, params: dict[str, Any]) -> BuildRequest:
    local = sample.artifacts[format]
    files = tuple(blobs.add(file, file.name) for file in local.files)
    artifact = Artifact("parent", None, None, format, files, local.options, local.details)
    return BuildRequest(Step(pass_id, params), sample.model, artifact)


def built(request: BuildRequest, blobs: Blobs, data: Path | None = None) -> WorkResult[Built]:
    inputs = {"model": request.artifact.files}
    if data is not None:
        rows = sorted(data.rglob("*.npy"))
        inputs["data"] = tuple(blobs.add(file, file.relative_to(data).as_posix()) for file in rows)
    jobs = blobs.root.parent / "jobs"
    jobs.mkdir(exist_ok=True)
    return LocalExecutor(blobs, jobs).run(UNIT.unit(request, inputs=inputs), Stop())


def data(folder: Path, sample: Sample) -> Path:
    shape = sample.model.shapes(1)[sample.model.inputs[0].name][1:]
    rows = np.random.default_rng(0).standard_normal((6, *shape)).astype(np.float32)
    for part in ("calibration", "evaluation"):
        (folder / part).mkdir(parents=True)
        np.save(folder / part / "0.npy", rows)
    return folder


@pytest.mark.parametrize("pass_id", ["int8_static_ort", "int8_static_nncf"])
def test_a_confined_process_builds_with_data(
    pass_id: str, resnet: Sample, tmp_path: Path, blobs: Blobs
) -> None:
    request = asked(resnet, "onnx", blobs, pass_id, {"samples": 4})
    result = built(request, blobs, data(tmp_path / "data", resnet))
    made = result.values
    assert made.details["samples"] == 4
    files = blobs.lay_out(result.files, tmp_path / "out")
    found = LocalArtifact(made.format, files[0], files, made.options, made.details)
    assert answer(found, resnet.model)[0].shape == (1, 10)


def test_a_confined_process_exports(resnet: Sample, blobs: Blobs) -> None:
    files = built(asked(resnet, "pt2", blobs, "export_onnx", {}), blobs).files
    assert [file.name for file in files] == ["model.onnx"]


def test_the_same_request_gives_the_same_bytes(resnet: Sample, tmp_path: Path, blobs: Blobs) -> None:
    request = asked(resnet, "onnx", blobs, "int8_static_ort", {})
    blobs.lay_out(request.artifact.files, tmp_path / "in")
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        done = UNIT.do(request, Job(tmp_path / name, {"model": tmp_path / "in"}))
        contents.append(done.files[0].read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("part", ["search", "evaluation"])
def test_a_pass_sees_the_target_and_rows_to_search_by_but_none_of_the_test(
    part: str, resnet: Sample, tmp_path: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(asked(resnet, "onnx", blobs, "optimize_onnx", {}), target=Target("openvino", threads=2))
    blobs.lay_out(request.artifact.files, tmp_path / "in")
    folder = data(tmp_path / "data", resnet)
    (folder / "evaluation").rename(folder / "kept")
    (folder / "kept").rename(folder / part)
    np.save(folder / part / "labels.npy", np.arange(6))
    seen: list[PassContext] = []
    technique, run = registry.get_pass("optimize_onnx"), registry.get_pass("optimize_onnx").run
    monkeypatch.setattr(
        technique, "run", lambda context, *rest: seen.append(context) or run(context, *rest), raising=True
    )
    (tmp_path / "out").mkdir()
    UNIT.do(request, Job(tmp_path / "out", {"model": tmp_path / "in", "data": folder}))
    assert seen[0].target == request.target
    if part == "evaluation":
        assert seen[0].search is None
    else:
        assert seen[0].search is not None
        _, labels = next(seen[0].search.batches(6, None))
        assert labels is not None
        assert labels.tolist() == list(range(6))


def test_errors_keep_their_kind(graphs: dict[str, Sample], tmp_path: Path, blobs: Blobs) -> None:
    folder = blobs.root.parent / "in"
    for params, error in (({}, PassNotApplicable), ({"colour": "red"}, InvalidRequest)):
        request = asked(graphs["nothing"], "onnx", blobs, "int8_dynamic", params)
        blobs.lay_out(request.artifact.files, folder)
        with pytest.raises(error):
            UNIT.do(request, Job(tmp_path, {"model": folder}))


def test_what_was_built_is_told_in_plain_and_short_texts() -> None:
    request: Any = None
    assert accept(request, Built("onnx", {}, {"no\nte": "x\ny"})).details == {"no te": "x y"}
    with pytest.raises(UnsafeUpload, match="more of what it built"):
        accept(request, Built("onnx", {}, {"a": "x" * 1000 * 1000, "b": ["y" * 1999] * 99}))


def test_what_was_looked_at_before_is_not_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the same bytes")
    known = Blobs(tmp_path / "blobs").add(path, "model.onnx")
    request = BuildRequest(Step("bf16"), factories.model("onnx"), Artifact("a", None, None, "onnx", (known,)))
    assert check(request, Built("onnx", {"precision": "bf16"}, {}), (path,)) is None
    assert check(request, Built("openvino", {}, {}), (path,)) is not None
    assert check(request, Built("onnx", {}, {}), (path, path)) is not None
    path.write_bytes(b"The same bytes")
    assert check(request, Built("onnx", {}, {}), (path,)) is not None
