"""Lines of other languages that kits hold, run where what they need is to be had."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.registry import get_target
from sample_models import samples

PACKAGE = "onnxruntime-node@1.30.0"


@pytest.mark.slow
def test_the_lines_for_node_run_a_model(tmp_path: Path) -> None:
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("Node.js or npm is not installed: the lines for Node.js were not run")
    model = next(each for each in samples() if each.id == "digits-transformer").folder / "model.onnx"
    (tmp_path / "model").mkdir()
    shutil.copy(model, tmp_path / "model" / "model.onnx")
    place = tmp_path / "clients"
    place.mkdir()
    lines = next(each for each in get_target("onnx").clients if each.file == "main.mjs")
    (place / lines.file).write_text(lines.text.replace("{model}", "model.onnx"))
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(["npm", "install", *quiet, PACKAGE], cwd=place, check=True, timeout=300)
    done = subprocess.run(["node", lines.file], cwd=place, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "logits: 1 10"), done.stderr
