"""Fine-tuning and batch-norm re-estimation."""

from __future__ import annotations

import pytest
import torch

from core.errors import PassNotApplicable
from core.graphs.torch.modules import load_exported
from core.protocols import LocalArtifact
from tests.passes.training.conftest import Bench


def test_labels_alone_teach_it(patterns: Bench, damaged: LocalArtifact) -> None:
    context = patterns.context("out", labelled=True)
    made = patterns.apply("fine_tune", damaged, "out", context=context, steps=30)
    assert made.details["labelled"] is True
    assert (patterns.answers(made).argmax(1) == patterns.labels[192:]).mean() > 0.9


def test_without_labels_it_says_what_to_do(patterns: Bench, damaged: LocalArtifact) -> None:
    with pytest.raises(PassNotApplicable, match="needs rows with labels") as caught:
        patterns.apply("fine_tune", damaged, "out", steps=2)
    assert "distil" in caught.value.hint


def test_statistics_alone_give_back_what_they_cost(patterns: Bench, damaged: LocalArtifact) -> None:
    made = patterns.apply("reestimate_norms", damaged, "out")
    assert patterns.agreement(made) > patterns.agreement(damaged)
    states = [load_exported(each.path).state_dict for each in (damaged, made)]
    same = {name for name, value in states[0].items() if torch.equal(value, states[1][name])}
    assert {name for name in states[0] if "weight" in name} <= same


def test_a_network_without_norms_has_nothing_to_measure(patterns: Bench) -> None:
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    with pytest.raises(PassNotApplicable, match="no batch norms"):
        patterns.apply("reestimate_norms", patterns.saved(plain, "plain"), "out")
