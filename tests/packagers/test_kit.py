"""Kits prove themselves, and notice what was changed."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus
from core.errors import InvalidRequest
from core.packagers.kit import PACKAGER
from core.protocols import LocalArtifact, Package
from sample_models import samples
from tests.factories import model, result

MLP = next(each for each in samples() if each.id == "cancer-mlp").folder / "model.onnx"


def described() -> SourceModel:
    session = onnxruntime.InferenceSession(str(MLP))
    inputs = tuple(TensorSpec(each.name, "float32", ("batch", 30)) for each in session.get_inputs())
    outputs = tuple(TensorSpec(each.name, "float32", ("batch", 2)) for each in session.get_outputs())
    return model("onnx", inputs=inputs, outputs=outputs, name="cancer")


def candidate(runtime: str, *steps: str, position: int = 1) -> Candidate:
    recipe = Recipe(tuple(Step(step) for step in steps), Target(runtime))
    return Candidate("c", "r", position, "INT8 · test", recipe, CandidateStatus.DONE, result=result())


def package(folder: Path, runtime: str, noise: float = 0.0, format_: str = "onnx") -> Package:
    folder.mkdir()
    path = Path(shutil.copy(MLP, folder / "model.onnx"))
    session = onnxruntime.InferenceSession(str(path))
    rows = np.random.default_rng(0).uniform(1, 20, (1, 30)).astype(np.float32)
    outputs = session.run(None, {session.get_inputs()[0].name: rows})
    np.savez(folder / "golden.npz", input_0_0=rows, output_0_0=outputs[0] * (1 + noise))
    artifact = LocalArtifact(format_, path, (path,))
    return Package(
        described(),
        candidate(runtime),
        candidate(runtime, position=0),
        artifact,
        None,
        folder / "golden.npz",
        1,
    )


def unpack(made: Package, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    PACKAGER.write(made, folder / "kit.zip")
    zipfile.ZipFile(folder / "kit.zip").extractall(folder / "kit")
    return folder / "kit"


def verify(kit: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "verify.py"], cwd=kit, capture_output=True, text=True)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_kit_verifies_and_predicts(runtime: str, tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", runtime), tmp_path)
    done = verify(kit)
    assert done.returncode == 0, done.stderr
    assert "whole and works" in done.stdout
    predicted = subprocess.run([sys.executable, "predict.py"], cwd=kit, capture_output=True, text=True)
    assert "(1, 2)" in predicted.stdout, predicted.stderr
    requirements = (kit / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in requirements] == [runtime, "numpy"]
    assert json.loads((kit / "recipe.json").read_text())["target"]["runtime_id"] == runtime


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", "onnxruntime"), tmp_path)
    with (kit / "model" / "model.onnx").open("ab") as file:
        file.write(b"x")
    done = verify(kit)
    assert done.returncode == 1
    assert "model/model.onnx was changed" in done.stderr


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", "onnxruntime"), tmp_path)
    (kit / "recipe.json").unlink()
    assert "recipe.json is missing" in verify(kit).stderr


def test_other_outputs_are_noticed(tmp_path: Path) -> None:
    done = verify(unpack(package(tmp_path / "in", "onnxruntime", noise=0.05), tmp_path))
    assert done.returncode == 1
    assert "differs by" in done.stderr


def test_equal_packages_give_equal_bytes(tmp_path: Path) -> None:
    made = package(tmp_path / "in", "onnxruntime")
    for name in ("one.zip", "two.zip"):
        PACKAGER.write(made, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_kit_says_for_which_values_it_is_right(tmp_path: Path) -> None:
    made = package(tmp_path / "in", "onnxruntime")
    fixed = replace(made, artifact=replace(made.artifact, details={"fixed": {"sr": 16000}}))
    PACKAGER.write(fixed, tmp_path / "kit.zip")
    readme = zipfile.ZipFile(tmp_path / "kit.zip").read("README.md").decode()
    assert "Right for `sr` = 16000 only" in readme


def test_a_state_dict_makes_no_kit_and_leaves_nothing(tmp_path: Path) -> None:
    made = package(tmp_path / "in", "pytorch", format_="state_dict")
    with pytest.raises(InvalidRequest, match="cannot run without its network's code"):
        PACKAGER.write(made, tmp_path / "kit.zip")
    assert not (tmp_path / "kit.zip").exists()


@pytest.mark.parametrize(("flipped", "passes"), [(1, True), (400, False)])
def test_few_flipped_elements_of_a_mask_are_no_fault(flipped: int, passes: bool, tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", "onnxruntime"), tmp_path)
    sys.path.insert(0, str(kit))
    try:
        verify = runpy.run_path(str(kit / "verify.py"))
    finally:
        sys.path.remove(str(kit))
    mask = np.zeros((1, 1000), np.int64)
    mask[0, :500] = 1
    other = mask.copy()
    other[0, :flipped] = 0
    assert (verify["difference"](other, mask) <= 0.01) is passes
    floats = mask.astype(np.float32), other.astype(np.float32)
    assert verify["difference"](*floats) == 1.0


def test_a_torchscript_kit_says_that_the_model_is_a_program(tmp_path: Path) -> None:
    script = unpack(package(tmp_path / "script", "torchscript", format_="torchscript"), tmp_path / "a")
    graph = unpack(package(tmp_path / "graph", "onnxruntime"), tmp_path / "b")
    assert "is a program" in (script / "README.md").read_text()
    assert "program" in (script / "session.py").read_text()
    assert "is a program" not in (graph / "README.md").read_text()


def test_a_models_name_is_no_markdown_in_the_kit(tmp_path: Path) -> None:
    made = package(tmp_path / "made", "onnxruntime")
    named = replace(made, model=replace(made.model, name="[x](https://evil.example)\n# More"))
    first = (unpack(named, tmp_path / "kit") / "README.md").read_text().splitlines()[0]
    assert first.startswith("# \\[x\\](https:")
    assert "https://" not in first
    assert "# More" in first
