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


def test_what_no_runtime_can_run_has_no_path() -> None:
    assert path_to("onnx", (), get_runtime("pytorch")) is None
