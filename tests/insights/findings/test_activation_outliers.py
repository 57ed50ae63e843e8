"""Activations with outliers."""

from __future__ import annotations

from core.domain.layer_errors import LayerError, LayerErrors
from core.domain.recipe import Step
from tests.factories import result
from tests.insights.findings.planted import case, found, ids

LOSES = result(drop=(4.0, 3.0, 5.0))


def errors(reach: float, grown: float = 0.02) -> LayerErrors:
    """Return ten layers that add alike, and one whose values reach far."""
    steps = [0.01] * 10
    steps[4] = grown
    told, before = [], 0.0
    for at, step in enumerate(steps):
        told.append(LayerError(f"layer{at}", "Add", before + step, before, reach if at == 4 else 5.0))
        before += step
    return LayerErrors(tuple(told), 32, "int8_static_ort")


def test_values_far_from_the_usual_ones_where_the_error_arises_are_named() -> None:
    first, *_ = found(case(figures=LOSES, layer_errors=errors(768.0)))
    assert first.id == "activation_outliers"
    assert "reach up to 768 times their usual size" in first.seen
    assert "layer4" in first.seen
    assert "about 7 of 8 bits" in first.why
    assert first.stake is not None
    assert 0 < first.stake.value < 4


def test_a_usual_reach_one_that_costs_nothing_and_other_precisions_are_no_finding() -> None:
    assert "activation_outliers" not in ids(case(figures=LOSES, layer_errors=errors(12.0)))
    assert "activation_outliers" not in ids(case(figures=LOSES, layer_errors=errors(768.0, grown=0.0001)))
    assert "activation_outliers" not in ids(
        case(figures=LOSES, layer_errors=errors(768.0), steps=(Step("bf16"),))
    )
