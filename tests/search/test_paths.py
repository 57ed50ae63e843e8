"""Conversions are put in by themselves, and as few of them as possible."""

from __future__ import annotations

from core.domain.recipe import Step
from core.registry import get_runtime
from core.search.paths import path_to


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
