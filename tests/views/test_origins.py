"""The way from the uploaded model to a candidate."""

from __future__ import annotations

import pytest

from core.domain.recipe import Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus, Limits
from core.insights.recommendation import recommend
from core.views import origins
from core.views.rows import Row, rows
from tests.factories import result

ONNX, PRUNE, INT8 = Step("export_onnx"), Step("prune_channels"), Step("int8_static_nncf")


def run(*made: tuple[str, tuple[Step, ...], str, float]) -> tuple[Row, ...]:
    everyone = [
        Candidate(
            name, "r", at, name, Recipe(steps, Target(runtime)), CandidateStatus.DONE, result=result(speed)
        )
        for at, (name, steps, runtime, speed) in enumerate((("base", (), "pytorch", 1.0), *made))
    ]
    return rows(everyone, Limits(), recommend(everyone, Limits()))


def test_runtime_and_technique_share_in_the_speed_up() -> None:
    everyone = run(("fp32", (ONNX,), "openvino", 2.0), ("int8", (ONNX, INT8), "openvino", 6.0))
    first, second = origins(everyone[2], everyone)
    assert (first.what, first.factor.value) == ("OpenVINO instead", 2.0)
    assert (second.what, second.factor.value) == ("INT8 static, NNCF", pytest.approx(3.0))
    assert second.factor.low < 3 / 1.02 < 3 * 1.02 < second.factor.high


def test_chained_techniques_are_told_apart_where_each_was_measured() -> None:
    everyone = run(
        ("fp32", (ONNX,), "openvino", 2.0),
        ("pruned", (PRUNE, ONNX), "openvino", 3.0),
        ("both", (PRUNE, ONNX, INT8), "openvino", 9.0),
    )
    assert [round(each.factor.value, 6) for each in origins(everyone[3], everyone)] == [2.0, 1.5, 3.0]
    assert [each.row.name for each in origins(everyone[3], everyone)] == ["fp32", "pruned", "both"]


def test_what_nothing_measured_separates_is_not_divided() -> None:
    everyone = run(("other", (ONNX,), "onnxruntime", 2.0), ("int8", (ONNX, INT8), "openvino", 6.0))
    assert origins(everyone[2], everyone) == ()
    assert origins(everyone[0], everyone) == ()


def test_on_the_baselines_own_runtime_there_is_only_the_technique() -> None:
    everyone = run(("pruned", (PRUNE,), "pytorch", 1.5))
    assert origins(everyone[1], everyone) == ()
