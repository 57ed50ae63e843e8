"""The reference of a service: what is watched of predictions, on the test rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.domain.model import FileRef
from core.domain.recipe import Artifact, Target
from core.packagers.serving.code import service_code
from core.packagers.serving.reference import DATA, MODEL, REFERENCE, ReferenceRequest, refer
from core.packagers.serving.settings import scores
from core.work.unit import Job
from tests.packagers.serving.conftest import picture


@pytest.mark.parametrize("batch", [1, 8])
def test_it_holds_what_the_candidate_predicts_of_the_test_rows(tmp_path: Path, batch: int) -> None:
    package, rng = picture(tmp_path / "in"), np.random.default_rng(3)
    rows = tmp_path / DATA / "evaluation"
    rows.mkdir(parents=True)
    (tmp_path / "out").mkdir()
    x = rng.standard_normal((150, 3, 16, 12)).astype(np.float32)
    np.save(rows / "0.npy", x)
    np.save(rows / "labels.npy", np.zeros(150, np.int64))
    request = ReferenceRequest(
        package.model,
        Artifact("a", None, None, "onnx", (FileRef("model.onnx", "0", 1),)),
        Target("onnxruntime", batch=batch),
        scores(package.model),
        classes=True,
    )
    job = Job(tmp_path / "out", {MODEL: tmp_path / "in", DATA: tmp_path / "data"})
    done = refer(request, job)
    found = service_code("drift").Reference.load(done.files[0])
    assert (done.values.rows, done.files[0].name, found.labelled) == (150, REFERENCE, 150)
    assert sum(found.shares()) == pytest.approx(1)
    assert found.correct == round(150 * found.shares()[0])
    bright = next(each for each in found.columns if each.name == "x: brightness")
    np.testing.assert_allclose(
        np.sort(found.values[:, bright.start]), np.sort(x.mean(axis=(1, 2, 3))), atol=1e-6
    )
