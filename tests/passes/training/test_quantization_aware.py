"""Quantization-aware training: what it does for the INT8 model that is made of its result."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch

from core.errors import PassNotApplicable
from core.graphs.torch.folding import fold_norms
from core.graphs.torch.modules import exported_module, load_exported
from core.protocols import LocalArtifact
from tests.passes.training.conftest import Bench

LOUD = 60.0


@pytest.fixture
def loud(patterns: Bench) -> LocalArtifact:
    """The teacher with one channel of activations far larger than all others: it computes the same."""
    module: Any = exported_module(load_exported(patterns.teacher.path))
    with torch.no_grad():
        module.norm.weight[0] *= LOUD
        module.norm.bias[0] *= LOUD
        module.second.weight[:, 0] /= LOUD
    made = patterns.saved(module, "loud")
    assert np.allclose(patterns.answers(made), patterns.answers(patterns.teacher), atol=1e-3)
    return made


def error(bench: Bench, before: LocalArtifact, name: str) -> float:
    """Return the squared error of its static INT8 against the teacher, relative to the teacher's spread."""
    exported = bench.apply("export_onnx", before, f"{name}-onnx")
    int8 = bench.apply("int8_static_nncf", exported, f"{name}-int8")
    found = next(iter(ov.Core().compile_model(str(int8.path), "CPU")([bench.feed["input"][192:]]).values()))
    wanted = bench.answers(bench.teacher)
    return float(np.square(found - wanted).mean() / wanted.var())


def test_int8_made_of_it_is_closer_to_the_original(patterns: Bench, loud: LocalArtifact) -> None:
    made = patterns.apply("quantization_aware", loud, "out", steps=120, learning_rate=0.003)
    details = made.details
    assert details["layers"] == 3
    assert details["precision"] == "FP32"
    assert details["after"]["search_loss"] < 0.7 * details["before"]["search_loss"]
    assert error(patterns, made, "trained") < 0.7 * error(patterns, loud, "plain")
    assert not any("fake" in str(node.target) for node in load_exported(made.path).graph.nodes)


def test_folded_norms_change_no_answer(patterns: Bench) -> None:
    module: Any = exported_module(load_exported(patterns.teacher.path))
    given = torch.from_numpy(patterns.feed["input"])
    before = module(given)
    assert fold_norms(module) == 2
    assert torch.allclose(module(given), before, atol=1e-5)
    assert not any("batch_norm" in str(node.target) for node in module.graph.nodes)


def test_without_layers_it_says_so(patterns: Bench) -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = torch.nn.Parameter(torch.ones(4))

        def forward(self, input: Any) -> Any:
            return input.mean((1, 2, 3))[:, None] * self.gain

    with pytest.raises(PassNotApplicable, match="no convolution"):
        patterns.apply("quantization_aware", patterns.saved(Scaled(), "scaled"), "out", steps=2)
