"""Conversions are put in by themselves, and as few of them as possible."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from core import registry
from core.domain.recipe import Step
from core.domain.technique import Kind
from core.protocols import LocalArtifact, PassContext, Trainer
from core.registry import get_runtime
from core.search.paths import path_to


class Trained(Trainer):
    """Stands for any technique that works on networks of PyTorch alone."""

    id = "trained"
    name = "Trained"
    summary = "Trains."
    kind = Kind.TRAINING
    on_source = True
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2"}

    def run(self, context: PassContext, artifact: LocalArtifact, params: Any) -> LocalArtifact:
        raise AssertionError

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Any) -> None:
        raise AssertionError


def names(path: tuple[Step, ...] | None) -> list[str]:
    assert path is not None
    return [step.pass_id for step in path]


def test_conversions_are_put_in_where_they_are_needed() -> None:
    steps = (Step("int8_static_ort"),)
    assert names(path_to("pt2", steps, get_runtime("onnxruntime"))) == ["export_onnx", "int8_static_ort"]
    assert names(path_to("onnx", steps, get_runtime("onnxruntime"))) == ["int8_static_ort"]
    assert names(path_to("pt2", (), get_runtime("pytorch"))) == []


def test_a_technique_comes_behind_an_export_unless_it_works_on_the_network_itself() -> None:
    openvino = get_runtime("openvino")
    assert names(path_to("pt2", (Step("bf16"),), openvino)) == ["export_onnx", "bf16"]
    assert names(path_to("pt2", (Step("prune_channels"),), openvino)) == ["prune_channels", "export_onnx"]


def test_what_was_made_of_a_state_dict_runs_without_the_code_of_its_network() -> None:
    assert names(path_to("state_dict", (Step("bf16"),), get_runtime("pytorch"))) == ["export_pt2", "bf16"]


def test_what_no_runtime_can_run_has_no_path() -> None:
    assert path_to("onnx", (), get_runtime("pytorch")) is None


def test_an_onnx_file_becomes_a_network_only_where_a_technique_needs_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    technique = Trained()
    found = {**registry.passes(), technique.id: technique}
    monkeypatch.setattr("core.search.paths.passes", lambda: found)
    monkeypatch.setattr("core.search.paths.get_pass", lambda name: found[name])
    steps = (Step("trained"), Step("int8_static_ort"))
    assert names(path_to("onnx", steps, get_runtime("onnxruntime"))) == [
        "onnx_to_pt2", "trained", "export_onnx", "int8_static_ort",
    ]  # fmt: skip
    assert names(path_to("pt2", (Step("trained"),), get_runtime("pytorch"))) == ["trained"]
    assert path_to("onnx", (Step("export_torchscript"),), get_runtime("torchscript")) is None
    assert names(path_to("onnx", (Step("prune_channels"),), get_runtime("onnxruntime"))) == ["prune_channels"]
