"""Estimates: they grow with the work, and a shared prefix counts once."""

from __future__ import annotations

from core.passes.training.effort import USUAL_MINUTES
from core.protocols import Trainer
from core.registry import passes
from core.search.estimate import Forecast, estimate_s
from core.search.spelling import parse
from tests.factories import model


def test_a_shared_prefix_counts_once() -> None:
    one, other = parse("export_onnx@onnxruntime"), parse("export_onnx@openvino")
    forecast = Forecast(model())
    both = forecast.total_s([one, other])
    assert both < forecast.total_s([one]) + forecast.total_s([other])
    assert both > max(forecast.total_s([one]), forecast.total_s([other]))


def test_a_larger_model_takes_longer() -> None:
    recipe = parse("export_onnx+int8_static_ort@onnxruntime")
    assert estimate_s([recipe], model(macs=4 * 10**9)) > 2 * estimate_s([recipe], model(macs=10**7))


def test_a_budget_is_the_most_that_is_expected() -> None:
    many = [parse(f"export_onnx+{name}@onnxruntime") for name in ("int8_static_ort", "int8_dynamic", "fp16")]
    assert estimate_s(many, model(), budget_s=5.0) == 5.0
    assert estimate_s(many, model(), budget_s=1e6) == estimate_s(many, model())


def test_what_was_seen_moves_the_expectation_of_the_rest() -> None:
    forecast = Forecast(model())
    one, other = parse("export_onnx+int8_static_ort@onnxruntime"), parse("export_onnx+fp16@openvino")
    before = forecast.total_s([one, other])
    forecast.built(one, 4 * forecast.building_s(one))
    assert forecast.building_s(one) == 0.0
    forecast.measured(one, 4 * forecast.measuring_s(one))
    first, fresh = Forecast(model()), forecast
    assert fresh.measuring_s(other) > 2 * first.measuring_s(other)
    assert forecast.total_s([one, other]) < before * 4
    quick = Forecast(model())
    quick.built(one, 0.0, anew=False)
    assert quick.building_s(other) < first.building_s(other)


def test_every_pass_says_what_it_costs() -> None:
    for technique in passes().values():
        base, slope = technique.build_s
        assert 0 < base < (60 + 60 * USUAL_MINUTES if isinstance(technique, Trainer) else 60)
        assert 0 <= slope < 60
