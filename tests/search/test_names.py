"""Names of steps: values as people read them."""

from __future__ import annotations

import pytest

from core.domain.recipe import Step
from core.search.names import recipe_name, step_name
from core.search.spelling import parse


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
