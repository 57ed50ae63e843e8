"""How exports are spelled, and the recipes that they mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.export import Export, ExportPrecision
from core.domain.recipe import Step
from core.errors import InvalidRequest
from core.search.exports import export_recipe, parse_export, parse_exports
from tests.factories import model


def test_a_target_alone_means_its_default_precision() -> None:
    assert parse_export("litert") == Export("litert", ExportPrecision.FP32)
    assert str(parse_export(" onnx:int8_static ")) == "onnx:int8_static"


def test_several_are_told_apart_and_each_is_taken_once() -> None:
    found = parse_exports(["onnx:fp16,litert", "litert:fp32"])
    assert [str(each) for each in found] == ["onnx:fp16", "litert:fp32"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tflight", "Known: onnx"),
        ("onnx:int9", "has: fp32"),
        ("onnx:bf16", "Take OpenVINO"),
        ("torchscript:int4", "no INT4"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_export(text)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_options_stand_behind_an_export_and_reach_the_step_that_has_them() -> None:
    found = parse_exports(["onnx:fp16:opset=17,weights=beside,litert", "onnx:axes=fixed,shapes=false"])
    assert [str(each) for each in found] == [
        "onnx:fp16:opset=17,weights=beside",
        "litert:fp32",
        "onnx:fp32:axes=fixed,shapes=false",
    ]
    first, last = (export_recipe(each, replace(model(), format="pt2")) for each in (found[0], found[2]))
    assert first.steps[-1] == Step("onnx_form", {"opset": 17, "weights": "beside"})
    assert last.steps[-1] == Step("onnx_form", {"axes": "fixed", "shapes": False})
    assert first.steps[0] == Step("export_onnx")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("onnx:fp32:opset=[17]", "opset has a wrong type"),
        ("onnx:fp32:opset={}", "opset has a wrong type"),
        ("onnx:opsets=17", "Its options for this model: opset, axes, weights, shapes"),
        ("onnx:opset=12", "Choose one of: 0, 13"),
        ("onnx:opset=new", "wrong type"),
        ("coreml:fp32:fp16=true", "has no option 'fp16'"),
        ("tensorrt:int8_static:activations=uint8", "has no option 'activations'"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_those_that_do(text: str, said: str) -> None:
    (export,) = parse_exports([text])
    with pytest.raises(InvalidRequest) as caught:
        export_recipe(export, replace(model(), format="onnx"))
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_no_target_at_all_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="No export target"):
        parse_exports([",", ""])


def test_conversions_are_put_in() -> None:
    def steps(text: str, format_: str) -> list[str]:
        recipe = export_recipe(parse_export(text), replace(model(), format=format_), 2)
        assert recipe.target.threads == 2
        return [step.pass_id for step in recipe.steps]

    assert steps("torchscript", "torchscript") == []
    assert steps("onnx:int8_static", "pt2")[:2] == ["export_onnx", "int8_static_ort"]
    assert steps("openvino", "onnx") == ["convert_openvino"]
    assert steps("pt2", "onnx") == ["onnx_to_pt2"]
    assert steps("torchscript", "onnx") == ["onnx_to_pt2", "export_torchscript"]
    assert steps("litert", "torchscript")[-1] == "export_litert"
