"""The average of weights: how far it reaches back, and that it is kept where it is better."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.graphs.torch.modules import load_exported
from core.passes.training.average import average
from core.protocols import LocalArtifact
from tests.passes.training.conftest import Bench


def averaged(values: list[float]) -> float:
    kept = {"weight": torch.zeros(1), "count": torch.zeros(1, dtype=torch.int64)}
    for step, value in enumerate(values, 1):
        state = {"weight": torch.full((1,), value), "count": torch.full((1,), step)}
        network: Any = SimpleNamespace(module=SimpleNamespace(state_dict=lambda state=state: state))
        average(kept, network, step, len(values))
    assert int(kept["count"]) == len(values)
    return float(kept["weight"])


def test_it_forgets_the_first_steps_and_smooths_the_last() -> None:
    assert averaged([1.0] * 100) == pytest.approx(1.0, abs=0.01)
    assert averaged([0.0] * 90 + [1.0] * 10) == pytest.approx(0.5, abs=0.15)
    assert averaged([0.0] * 99 + [100.0]) < 10


def test_a_better_average_is_kept(
    patterns: Bench, damaged: LocalArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = load_exported(patterns.teacher.path).state_dict

    def planted(kept: dict[str, Any], *told: Any) -> None:
        kept.update({name: best[name].detach().clone() for name in kept if name in best})

    monkeypatch.setattr("core.passes.training.loop.average", planted)
    made = patterns.apply("distill", damaged, "out", steps=3)
    assert patterns.agreement(made) == 1.0
    assert made.details["after"]["search_loss"] < 0.01
