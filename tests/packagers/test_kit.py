"""Kits prove themselves, and notice what was changed."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from _pytest.mark.structures import ParameterSet

from core.domain.model import DataSet, Preprocessing, SourceModel, TensorSpec
from core.domain.quality import Detections, Fidelity, OutputFidelity
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus
from core.domain.technique import NoParams
from core.errors import ErrorRecord, InvalidRequest
from core.optional import distribution
from core.packagers.kit import PACKAGER
from core.params import make
from core.protocols import LocalArtifact, Package
from core.registry import get_pass, get_runtime, runtimes
from core.search.recipe_files import dump, fitted, read
from core.serde import to_plain
from sample_models import samples
from tests.factories import model, result
from tests.formats.test_mlpackage import package as mlpackage
from tests.runtimes import networks

DATA = DataSet(
    "d", "iris", (), ("features",), 30, 70, True, ("setosa", "versi |\ncolor", "a", "b"), "csv",
    {"Scale": "as in the table"},
)  # fmt: skip
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
        dump(candidate(runtime).recipe),
    )


def unpack(made: Package, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    PACKAGER.write(made, folder / "kit.zip", NoParams())
    zipfile.ZipFile(folder / "kit.zip").extractall(folder / "kit")
    return folder / "kit"


def verify(kit: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "verify.py"], cwd=kit, capture_output=True, text=True)


def everywhere() -> list[ParameterSet]:
    """Return what a kit can be verified with here; files that take long to make, or of a runtime that has a
    kit of another file among the fast tests, are slow ones."""
    here = [each for each in runtimes().values() if each.available().ok and not each.browser]
    found = [(each.id, form) for each in here for form in sorted(each.formats) if form != "state_dict"]
    slow, long = [pytest.mark.slow], {*networks.TAKE_LONG, "torchscript", "openvino", "ort"}
    return [pytest.param(*each, marks=slow if each[1] in long else []) for each in found]


def perceptron(folder: Path, runtime: str, form: str) -> Package:
    """Return a package of a small network in any format, with what it really returns."""
    module, model = networks.perceptron()
    artifact = networks.save(module, model, form, folder / "model")
    feed = networks.feed_of(model, batch=1)
    golden = {"input_0_0": feed["features"], "output_0_0": networks.expected(module, feed)[0]}
    np.savez(folder / "golden.npz", **golden)
    baseline = candidate("pytorch", position=0)
    made, recipe = candidate(runtime), dump(candidate(runtime).recipe)
    return Package(model, made, baseline, artifact, DATA, folder / "golden.npz", 1, recipe, seed=3)


@pytest.mark.parametrize(("runtime", "form"), everywhere())
def test_a_kit_verifies_and_predicts(runtime: str, form: str, tmp_path: Path) -> None:
    kit = unpack(perceptron(tmp_path / "in", runtime, form), tmp_path / "out")
    done = verify(kit)
    assert done.returncode == 0, done.stderr
    assert "whole and works" in done.stdout
    predicted = subprocess.run([sys.executable, "predict.py"], cwd=kit, capture_output=True, text=True)
    assert "(1, 4)" in predicted.stdout, predicted.stderr
    assert "setosa (" in predicted.stdout
    requirements = (kit / "requirements.txt").read_text().split()
    modules = get_runtime(runtime).modules
    assert [line.split("==")[0] for line in requirements] == [*map(distribution, modules), "numpy"]
    assert json.loads((kit / "manifest.json").read_text())["made_of"]["target"]["runtime_id"] == runtime


def test_predict_says_what_it_takes_and_what_is_wrong(tmp_path: Path) -> None:
    made = perceptron(tmp_path / "in", "onnxruntime", "onnx")
    named = replace(made.model, outputs=(replace(made.model.outputs[0], name="file"),))  # savez takes none
    kit = unpack(replace(made, model=named), tmp_path / "out")
    np.savez(tmp_path / "good.npz", features=np.ones((2, 6), np.float32))
    np.savez(tmp_path / "bad.npz", other=np.ones((2, 6), np.float32))
    (tmp_path / "none.npz").write_bytes(b"no zip")

    def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, script, *arguments], cwd=kit, capture_output=True, text=True)

    said = run("predict.py", "--help")
    assert (said.returncode, said.stderr) == (0, "")
    assert "features ('batch', 6)" in " ".join(said.stdout.split())
    assert run("verify.py", "--help").stdout.startswith("usage: verify.py")
    for path, part in (("bad.npz", "lacks features; it holds other"), ("none.npz", "cannot be read")):
        done = run("predict.py", tmp_path / path)
        assert done.returncode == 2
        assert part in done.stderr
        assert "Traceback" not in done.stderr
    assert run("predict.py", tmp_path / "good.npz", tmp_path / "answer.npz").returncode == 0
    with np.load(tmp_path / "answer.npz") as answer:
        assert answer["file"].shape == (2, 4)


def test_the_openvino_kit_keeps_the_latest_shapes_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openvino

    kit = unpack(perceptron(tmp_path / "in", "openvino", "onnx"), tmp_path / "out")
    session = runpy.run_path(str(kit / "session.py"))
    session["load"].__globals__["MOST_COMPILED"] = 2
    compiled, compile_model = [], openvino.Core.compile_model

    def counted(*arguments: Any) -> Any:
        compiled.append(next(iter(arguments[1].input(0).shape)))
        return compile_model(*arguments)

    monkeypatch.setattr(openvino.Core, "compile_model", counted)
    run, rows = session["load"](), np.ones((3, 6), np.float32)
    answers = [run({"features": rows[:batch]})[0] for batch in (1, 2, 1, 3, 1, 2)]
    assert compiled == [1, 2, 3, 2]  # 2 made room for 3, since 1 was used after it
    assert [len(each) for each in answers] == [1, 2, 1, 3, 1, 2]
    assert all(np.allclose(each, answers[3][0], atol=1e-5) for each in answers)


def test_the_recipe_holds_every_parameter_that_was_used(tmp_path: Path) -> None:
    made = perceptron(tmp_path / "in", "onnxruntime", "onnx")
    steps = (Step("export_onnx"), Step("int8_static_ort", {"per_channel": False}))
    spelled = replace(made.candidate, recipe=Recipe(steps, Target("onnxruntime")))
    named = replace(made.model, name="net\n- pass: fp16")
    told = replace(made, candidate=spelled, model=named, recipe=dump(spelled.recipe, filled=True))
    kit = unpack(told, tmp_path / "out")
    found = read(kit / "recipe.yaml")
    (quantized,) = found.steps  # the export is put in where a model needs it
    assert quantized.params == to_plain(make(get_pass("int8_static_ort").Params, {"per_channel": False}))
    assert len(quantized.params) > 1
    assert [step.pass_id for step in fitted(found, model("pt2")).steps] == [step.pass_id for step in steps]
    origin = json.loads((kit / "manifest.json").read_text())["made_of"]
    assert origin["techniques"] == {step.pass_id: get_pass(step.pass_id).version for step in steps}
    assert (origin["seed"], origin["calibrated_on"]) == (3, "iris, 30 samples")


def test_the_readme_says_what_goes_in_what_comes_out_and_what_changed(tmp_path: Path) -> None:
    made = perceptron(tmp_path / "in", "onnxruntime", "onnx")
    ours, theirs = (replace(result(), size_bytes=size) for size in (1_000_000, 4_000_000))
    ours = replace(ours, timing=replace(ours.timing, memory_bytes=60_000_000))
    theirs = replace(theirs, timing=replace(theirs.timing, memory_bytes=30_000_000))
    pixels = Preprocessing("timm's net", mean=(0.5,), std=(0.25,), scale="-1..1")
    made = replace(
        made,
        candidate=replace(made.candidate, result=ours),
        baseline=replace(made.baseline, result=theirs),
        model=replace(made.model, preprocessing=pixels, name="net\n# [x](http://y)"),
    )
    text = (unpack(made, tmp_path / "out") / "README.md").read_text()
    assert "| Memory | 60.00 MB | 30.00 MB | +100 % |" in text
    assert "| File | 1.00 MB | 4.00 MB | -75 % |" in text
    assert "2.00x (1.96–2.04) the speed" in text
    assert "| `features` | float32 | (batch, 6) | values |" in text
    assert "| `logits` | float32 | (batch, 4) |" in text
    assert "- Scale: as in the table" in text
    assert "minus (0.5,) and by (0.25,)" in text
    assert "0. setosa\n1. versi \\| color" in text
    assert text.startswith("# net # \\[x\\](http:")
    assert "\n# [x]" not in text


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", "onnxruntime"), tmp_path)
    with (kit / "model" / "model.onnx").open("ab") as file:
        file.write(b"x")
    done = verify(kit)
    assert done.returncode == 1
    assert "model/model.onnx was changed" in done.stderr


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", "onnxruntime"), tmp_path)
    (kit / "recipe.yaml").unlink()
    assert "recipe.yaml is missing" in verify(kit).stderr


def test_other_outputs_are_noticed(tmp_path: Path) -> None:
    done = verify(unpack(package(tmp_path / "in", "onnxruntime", noise=0.05), tmp_path))
    assert done.returncode == 1
    assert "differs by" in done.stderr


def test_equal_packages_give_equal_bytes(tmp_path: Path) -> None:
    made = package(tmp_path / "in", "onnxruntime")
    for name in ("one.zip", "two.zip"):
        PACKAGER.write(made, tmp_path / name, NoParams())
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_kit_says_for_which_values_it_is_right(tmp_path: Path) -> None:
    made = package(tmp_path / "in", "onnxruntime")
    fixed = replace(made, artifact=replace(made.artifact, details={"fixed": {"sr": 16000}}))
    PACKAGER.write(fixed, tmp_path / "kit.zip", NoParams())
    readme = zipfile.ZipFile(tmp_path / "kit.zip").read("README.md").decode()
    assert "Right for `sr` = 16000 only" in readme


def test_a_state_dict_makes_no_kit() -> None:
    weights = Artifact("a", None, None, "state_dict", ())
    with pytest.raises(InvalidRequest, match="cannot run without its network's code"):
        PACKAGER.requires(candidate("pytorch"), weights)
    PACKAGER.requires(candidate("pytorch"), replace(weights, format="pt2"))


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


@pytest.mark.parametrize(
    ("ours", "lost"),
    [
        ([[0, 0, 9, 9, 0.9, 1], [5, 5, 8, 8, 0.5, 2]], 0),
        ([[5, 5, 8, 8, 0.5, 2], [1, 1, 2, 2, 0.1, 1], [0, 0, 9.01, 9, 0.9, 1]], 0),
        ([[0, 0, 9, 9, 0.9, 2], [5, 5, 8, 8, 0.5, 2]], 0.5),
        ([], 1),
    ],
)
def test_golden_detections_are_looked_for_in_any_order(ours: Any, lost: float, tmp_path: Path) -> None:
    kit = unpack(package(tmp_path / "in", "onnxruntime"), tmp_path)
    sys.path.insert(0, str(kit))
    try:
        missing = runpy.run_path(str(kit / "verify.py"))["missing"]
    finally:
        sys.path.remove(str(kit))

    def three(rows: Any) -> list[Any]:
        table = np.array(rows, np.float32).reshape(-1, 6)
        return [table[:, :4], table[:, 5].astype(np.int64), table[:, 4]]

    golden = three([[0, 0, 9, 9, 0.9, 1], [5, 5, 8, 8, 0.5, 2]])
    assert missing(three(ours), golden, 0.01) == lost


def test_predict_tells_classes_and_boxes_of_detections(tmp_path: Path) -> None:
    made, boxes = package(tmp_path / "in", "onnxruntime"), Detections(2, 0.3, 0.9, True)
    rows = np.array([[0.1, 0.2, 0.5, 0.6], [0.3, 0.3, 0.9, 0.8], [0, 0, 0.1, 0.1]], np.float32)
    found = [rows, np.array([7, 1, 7]), np.array([0.4, 0.9, 0.1], np.float32)]
    np.savez(made.golden, **{f"output_0_{index}": each for index, each in enumerate(found)})
    fidelity = Fidelity(None, None, 0.0, 1, (OutputFidelity("boxes", None, 0.0, detections=boxes),))
    detects = replace(made.candidate, result=result(fidelity=fidelity))
    plain = result()
    assert plain.accuracy is not None
    numbered = replace(made.baseline, result=replace(plain, accuracy=replace(plain.accuracy, numbering=1)))
    outputs = tuple(TensorSpec(name, "float32", ("n",)) for name in ("boxes", "labels", "scores"))
    source = model(
        inputs=(TensorSpec("x", "float32", (1, 3, 100, 200)),), outputs=outputs, task="object-detection"
    )
    named = replace(DATA, box_classes=(("ant", (10, 1)), ("bee", (20, 7))))
    kit = unpack(
        replace(made, model=source, candidate=detects, baseline=numbered, data=named), tmp_path / "kit"
    )
    run = runpy.run_path(str(kit / "predict.py"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for table in run["detections"](dict(zip(("boxes", "labels", "scores"), found, strict=True))):
            run["show_detections"](table)
    first, *lines = printed.getvalue().splitlines()
    assert first.startswith("2 detections")
    assert lines == ["  ant (0.9): x 60 to 180, y 30 to 80", "  bee (0.4): x 20 to 100, y 20 to 60"]


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


def test_what_was_built_only_is_held_to_the_original_where_it_runs(tmp_path: Path) -> None:
    """The golden outputs are the original's, so they may differ as far as the precision explains."""
    made = package(tmp_path / "made", "onnxruntime", noise=0.005)
    error = ErrorRecord("measured_elsewhere", "No phone is here.", "Take it to a phone.")
    alone = replace(made.candidate, status=CandidateStatus.UNMEASURED, result=None, error=error)
    kit = unpack(replace(made, candidate=alone), tmp_path / "there")
    assert "No phone is here. Take it to a phone." in (kit / "README.md").read_text()
    said = verify(kit)
    assert "whole and works" in said.stdout, said.stderr
    assert "where it was measured" not in said.stdout
    far = package(tmp_path / "far", "onnxruntime", noise=0.5)
    said = verify(unpack(replace(far, candidate=alone), tmp_path / "else"))
    assert said.returncode == 1
    waits = replace(made.candidate, status=CandidateStatus.WAITING, result=None)
    with pytest.raises(InvalidRequest, match="neither measured nor built"):
        PACKAGER.requires(waits, Artifact("a", None, None, "onnx", ()))


def test_a_model_that_is_a_folder_keeps_its_name_in_the_kit(tmp_path: Path) -> None:
    made = package(tmp_path / "made", "coreml")
    alone = replace(made.candidate, status=CandidateStatus.UNMEASURED, result=None)
    files = mlpackage(tmp_path)
    artifact = LocalArtifact("mlpackage", files[0], files)
    kit = unpack(replace(made, candidate=alone, artifact=artifact), tmp_path / "out")
    assert (kit / "model/model.mlpackage/Data/com.apple.CoreML/model.mlmodel").is_file()
    assert json.loads((kit / "manifest.json").read_text())["model"] == "model/model.mlpackage/Manifest.json"
    assert 'appendingPathComponent("model.mlpackage")' in (kit / "clients/Predict.swift").read_text()
    assert "coremltools" in (kit / "requirements.txt").read_text()
