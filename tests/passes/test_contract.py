"""What every pass promises, over all passes and every format they take."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import params, registry
from core.domain.measurement import Environment
from core.errors import WhetstoneError
from core.formats.check import check_artifact
from core.passes import latency
from core.passes.factorization import layers
from core.passes.pruning import width_search
from core.protocols import LocalArtifact
from core.search.paths import runs_here
from tests.passes.conftest import Sample, answer, apply, artifact, by_size, context

FORMATS = set(registry.formats())
PASSES = registry.passes()
EXPORT_FIRST = {("prune_to_latency", "state_dict"), ("prune_depth", "state_dict")}
"""Formats that take an export to measure in; another format of the same pass stays among the fast tests."""
ALIKE = {("int8_weights_nncf", "openvino"), ("convert_openvino", "openvino")}
"""Nothing but the reader is another than for ONNX."""
COMPILERS = {name for name, found in PASSES.items() if found.compiles}
"""Passes that start a compiler, which takes half a minute."""
FOR_PHONES = {
    *("export_executorch", "int8_static_xnnpack", "int8_dynamic_xnnpack"),
    *("export_coreml", "weights_coreml"),
}
"""Passes whose libraries alone take seconds to import."""
LONG = COMPILERS | FOR_PHONES
TRAINED = {
    (name, "state_dict")
    for name in ("distill", "distill_student", "fine_tune", "quantization_aware", "factorize")
}
"""Their other format trains the same network in the same way."""
SLOW = EXPORT_FIRST | ALIKE | TRAINED | {(name, each) for name in LONG for each in PASSES[name].accepts}
CASES = [
    pytest.param(name, format, marks=[pytest.mark.slow] if (name, format) in SLOW else [])
    for name, found in PASSES.items()
    if not found.toolchain
    for format in sorted(found.accepts)
]
IN_PYTORCH = ("bn_scale", "taylor")
"""Choices that need gradients, or norms that exports fold away."""
TAKE_LONG = ("prune_to_latency", "mixed_precision")
"""Passes that measure or quantize many networks: their choices are slow tests."""
SETTINGS = [
    pytest.param(
        name,
        field.name,
        choice,
        marks=[pytest.mark.slow] if name in TAKE_LONG or name in LONG else [],
    )
    for name, found in PASSES.items()
    if not found.toolchain
    for field in fields(found.Params)
    for choice in (field.metadata["choices"] or ((True, False) if field.type == "bool" else ()))
    if choice != field.default
]
LATEST = Environment("CPU", ("avx512_bf16", "avx512_vnni"), 2, 2**33, "", "Linux", "3.11")


SUBJECTS = {"fix_inputs": "steered", "double_to_float": "double", "factorize": "low_rank"}
SUBJECTS |= dict.fromkeys(("int4_weights_nncf", "nbits_weights_ort"), "products")
SUBJECTS |= dict.fromkeys(("int8_dynamic_torch", "int8_dynamic_xnnpack"), "low_rank")
SUBJECTS |= dict.fromkeys(("fp16_litert", "int8_dynamic_litert", "int8_static_litert"), "perceptron")
"""Graphs by the pass that works on nothing but such ones; the others take the residual network."""
SMALL: dict[str, dict[str, Any]] = {
    "mixed_precision": {"seconds": 5},
    "distill": {"steps": 4},
    "distill_student": {"steps": 4},
    "fine_tune": {"steps": 4},
    "quantization_aware": {"steps": 4},
}
"""Settings of passes that otherwise take as much time as they are given."""


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """What narrow layers save in such small networks drowns in noise; other races are short."""
    monkeypatch.setattr(latency, "MOST_ROUNDS", latency.FEWEST_ROUNDS)
    for module in (width_search, layers):
        monkeypatch.setattr(module, "rough_times", by_size)


@pytest.fixture
def subject(name: str, resnet: Sample, graphs: dict[str, Sample], tmp_path: Path) -> Sample:
    if name == "weights_coreml":
        package = apply("export_coreml", resnet, "pt2", tmp_path / "package")
        return Sample(resnet.model, {"mlpackage": package})
    return graphs[SUBJECTS[name]] if name in SUBJECTS else resnet


def digest(built: LocalArtifact) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in built.files]


@pytest.mark.parametrize("name", PASSES)
def test_it_describes_itself(name: str) -> None:
    found = PASSES[name]
    assert found.id == name
    assert found.name
    assert found.summary.endswith(".")
    assert found.version >= 1
    assert found.accepts
    assert found.accepts <= FORMATS
    assert set(found.produces) == set(found.accepts)
    assert set(found.produces.values()) <= FORMATS
    assert all(importlib.util.find_spec(module) for module in found.libraries)


@pytest.mark.parametrize("name", PASSES)
def test_its_parameters_draw_a_form_and_have_defaults(name: str) -> None:
    kind = PASSES[name].Params
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    for field in fields(kind):
        assert field.default is not MISSING
        assert field.metadata["label"]
        assert field.metadata["help"]
    assert params.make(kind, {}) == kind()


@pytest.mark.parametrize(("name", "format"), CASES)
def test_it_builds_what_it_says_where_it_may_and_quietly(
    name: str,
    format: str,
    subject: Sample,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    before = digest(subject.artifacts[format])
    PASSES[name].requires(subject.model, LATEST, PASSES[name].Params())
    built = apply(name, subject, format, folder, **SMALL.get(name, {}))
    assert built.format == PASSES[name].produces[format]
    assert built.files[0] == built.path
    assert {file for file in folder.rglob("*") if file.is_file()} == set(built.files), "left something behind"
    check_artifact(built.format, built.files)
    assert not list(elsewhere.iterdir()), "wrote outside its folder"
    assert digest(subject.artifacts[format]) == before, "changed its input"
    assert capfd.readouterr().out == ""
    for batch in (1, 3) if runs_here(built.format) else ():
        outputs = answer(built, subject.model, batch)
        expected = answer(subject.artifacts[format], subject.model, batch)
        assert [output.shape for output in outputs] == [output.shape for output in expected]
        assert all(np.isfinite(output).all() for output in outputs)


@pytest.mark.parametrize(("name", "field", "choice"), SETTINGS)
def test_every_choice_works(name: str, field: str, choice: Any, subject: Sample, tmp_path: Path) -> None:
    format = "pt2" if choice in IN_PYTORCH else sorted(PASSES[name].accepts)[0]
    built = apply(name, subject, format, tmp_path, **SMALL.get(name, {}) | {field: choice})
    if not runs_here(built.format):
        check_artifact(built.format, built.files)
        return
    assert np.isfinite(answer(built, subject.model)[0]).all()


@pytest.mark.parametrize("name", [name for name, found in PASSES.items() if "onnx" in found.accepts])
def test_rubbish_ends_in_words(name: str, subject: Sample, tmp_path: Path) -> None:
    if name == "bf16":
        pytest.skip("opens no file")
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07rubbish" * 20)
    found = PASSES[name]
    with pytest.raises(WhetstoneError) as caught:
        found.run(
            context(subject.model, tmp_path / "out"), artifact("onnx", tmp_path / "m.onnx"), found.Params()
        )
    assert caught.value.message
    assert caught.value.hint
