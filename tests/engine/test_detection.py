"""A detector with its NMS inside, from COCO's annotations to a recommendation and a kit that verifies."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.api import optimize
from core.engine import kit_path
from core.store.store import Store
from tests.detectors import export_detector, self_labelled

pytestmark = pytest.mark.slow
RECIPES = ("@openvino", "int8_static_ort@onnxruntime", "onnx_to_pt2+factorize+export_onnx@onnxruntime")


def test_a_detector_is_judged_by_map(store: Store, tmp_path: Path) -> None:
    model = export_detector(tmp_path / "detector.onnx")
    data = self_labelled(model, tmp_path / "pictures", 32)
    view = optimize(model, data=data, recipes=RECIPES, store=store, budget_s=90)
    assert view.model.task == "object-detection"
    baseline, float_, int8, refused = (row.candidate for row in view.candidates)
    assert baseline.result is not None
    assert baseline.result.accuracy is not None
    assert (baseline.result.accuracy.metric, baseline.result.accuracy.value) == ("map", 100)
    assert float_.result is not None
    assert float_.result.accuracy is not None
    assert float_.result.accuracy.value > 99
    assert float_.result.fidelity.detections is not None
    assert float_.result.fidelity.detections.same
    assert int8.result is not None
    assert int8.result.accuracy is not None
    assert int8.result.accuracy.drop.value > 0
    assert refused.error is not None
    assert "NonMaxSuppression" in refused.error.message
    with zipfile.ZipFile(kit_path(store, float_.id)) as kit:
        kit.extractall(tmp_path / "kit")
    done = subprocess.run([sys.executable, "verify.py"], cwd=tmp_path / "kit", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0.0% of the detections missing" in done.stdout
    told = subprocess.run(
        [sys.executable, "predict.py"], cwd=tmp_path / "kit", capture_output=True, text=True
    )
    assert any(name in told.stdout for name in ("  light (", "  dark (")), told.stdout + told.stderr
