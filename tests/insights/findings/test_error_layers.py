"""Layers that carry most of the error."""

from __future__ import annotations

import pytest

from core.domain.layer_errors import LayerError, LayerErrors
from core.domain.recipe import Step
from tests.factories import candidate, result
from tests.insights.findings.planted import case, found, ids

MIXED = candidate("mixed", result(), 2, (Step("mixed_precision"),))
LOSES = result(drop=(4.0, 3.0, 5.0))


def layers(*errors: float) -> dict[str, dict[str, object]]:
    told = [{"name": f"layer{at}", "error_percent": error} for at, error in enumerate(errors)]
    return {"mixed": {"layers": told}}


def test_a_layer_that_carries_most_of_the_error_comes_first_with_the_candidate_that_spares_it() -> None:
    known = case(figures=LOSES, others=(MIXED,), details=layers(1.0, 1.0, 6.0, 1.0, 1.0))
    first, *_ = found(known)
    assert first.id == "error_layers"
    assert "1 of 5 layers carry 90% of the error in INT8: layer2." in first.seen
    assert first.stake is not None
    assert first.stake.value == pytest.approx(4.0 * 36 / 40)
    assert first.recipe == MIXED.recipe


def test_a_spread_error_and_no_loss_are_no_finding() -> None:
    spread = layers(*[1.0] * 8)
    assert "error_layers" not in ids(case(figures=LOSES, others=(MIXED,), details=spread))
    assert "error_layers" not in ids(case(others=(MIXED,), details=layers(1.0, 1.0, 6.0, 1.0, 1.0)))
    assert "error_layers" not in ids(case(figures=LOSES, others=(MIXED,)))


def test_layers_behind_which_the_error_grows_most_are_named_from_the_candidate_itself() -> None:
    errors = (0.001, 0.001, 0.05, 0.051, 0.052)
    told = tuple(
        LayerError(f"layer{at}", "Conv", error, errors[at - 1] if at else 0.0)
        for at, error in enumerate(errors)
    )
    own = LayerErrors(told, 32, "int8_static_ort")
    first, *_ = found(case(figures=LOSES, others=(MIXED,), details=layers(6.0, 1.0), layer_errors=own))
    assert first.id == "error_layers"
    assert "94% of the error arises in 1 of 5 layers: layer2." in first.seen
    assert "error_layers" not in ids(case(layer_errors=own))
