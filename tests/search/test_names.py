"""Names of steps: values as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.export import Export, ExportPrecision
from core.domain.recipe import Step
from core.registry import targets
from core.search.exports import export_recipe, parse_export
from core.search.names import recipe_name, step_name
from core.search.spelling import parse
from tests.factories import model


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (Step("distill", {"minutes": 0.7}), "Distillation (0.7 min)"),
        (Step("distill", {"minutes": 2.0, "labels": 0.3}), "Distillation (2 min, 30%)"),
        (Step("distill", {"learning_rate": 0.003}), "Distillation (0.003)"),
        (Step("prune_channels", {"ratio": 0.5}), "Channel pruning (50%)"),
        (
            Step("int8_static_nncf", {"fast_bias_correction": False}),
            "INT8 static, NNCF (full bias correction)",
        ),
        (Step("int8_dynamic", {"per_channel": False}), "INT8 dynamic"),
        (Step("prune_depth", {"share": 0.3}), "Depth pruning (30%)"),
        (Step("nobody_knows", {"much": 0.5, "so_named": True}), "nobody_knows (0.5, so named)"),
    ],
)
def test_a_value_has_its_unit_and_only_a_share_is_in_percent(step: Step, name: str) -> None:
    assert step_name(step) == name


def test_a_training_behind_itself_is_one_that_was_continued() -> None:
    spelled = "prune_depth+distill+distill+export_onnx+bf16@openvino"
    assert recipe_name(parse(spelled)) == "Depth pruning + Distillation (continued) + BF16 · OpenVINO"
    thrice = recipe_name(parse(spelled.replace("distill+", "distill+distill+", 1)))
    assert thrice == "Depth pruning + Distillation (continued 2 times) + BF16 · OpenVINO"


@pytest.mark.parametrize(
    ("export", "name"),
    [
        ("coreml:fp16", "FP16 · Core ML"),
        ("coreml:fp32", "FP32 · Core ML"),
        ("coreml:int8_dynamic", "FP16 + Small weights, Core ML (INT8) · Core ML"),
        ("coreml:int4", "FP16 + Small weights, Core ML (palette of 4 bits) · Core ML"),
        ("ncnn:fp16", "FP16 weights · ncnn"),
        ("ncnn:fp32", "FP32 · ncnn"),
        ("openvino:fp16", "FP16 weights · OpenVINO"),
        ("openvino:fp32", "FP32 · OpenVINO"),
    ],
)
def test_a_conversion_that_chooses_a_precision_is_named_by_it(export: str, name: str) -> None:
    assert recipe_name(export_recipe(parse_export(export), replace(model(), format="pt2"))) == name


def test_no_export_goes_by_another_precision_than_its_own() -> None:
    words = {each.label.split()[0] for each in ExportPrecision}
    for target in targets().values():
        for precision in target.precisions:
            recipe = export_recipe(Export(target.id, precision), replace(model(), format="pt2"))
            told = [word.strip("(),") for word in recipe_name(recipe).split() if word.strip("(),") in words]
            quantized = precision.label.split()[0] in ("INT8", "INT4")
            assert not told or quantized or set(told) == {precision.label}, recipe_name(recipe)
