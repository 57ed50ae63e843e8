"""Distillation: what it gives back, how it ends, and that it goes on where it was killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.domain.model import SourceModel
from core.errors import PassNotApplicable
from core.graphs.torch.modules import load_exported
from core.passes.training import memory
from core.passes.training.outcome import findings
from core.protocols import LocalArtifact, Training
from tests.passes import zoo
from tests.passes.conftest import artifact
from tests.passes.training.conftest import Bench, killed_at, learned


def test_it_gives_back_what_damage_cost_without_labels(patterns: Bench, damaged: LocalArtifact) -> None:
    before = patterns.agreement(damaged)
    made = patterns.apply("distill", damaged, "out", steps=60)
    assert patterns.agreement(made) > max(0.9, before + 0.1)
    details = made.details
    assert (details["complete"], details["steps"], details["labelled"]) == (True, 60, False)
    assert details["after"]["search_loss"] < 0.3 * details["before"]["search_loss"]
    assert details["after"]["search_agreement"] == pytest.approx(patterns.agreement(made), abs=0.04)
    assert details["optimizer"] == "SGD"
    (found,) = findings("Distillation", details)
    assert "agreement with your model on the search rows from" in found.message


def test_its_curve_holds_the_loss_and_what_was_found_on_the_search_rows(
    patterns: Bench, damaged: LocalArtifact
) -> None:
    patterns.apply("distill", damaged, "out", context=patterns.context("out", labelled=True), steps=20)
    done, total, last = patterns.told[-1]
    assert (done, total) == (20, 20)
    assert {"loss", "search_loss", "search_agreement", "search_accuracy"} <= set(last)
    losses = [figures["loss"] for _, _, figures in patterns.told]
    assert losses[-1] < losses[0]


def test_the_batch_stays_free_and_statistics_are_learned(patterns: Bench, damaged: LocalArtifact) -> None:
    made = patterns.apply("distill", damaged, "out", steps=8)
    program = load_exported(made.path)
    old = load_exported(damaged.path).state_dict
    moved = [name for name, value in program.state_dict.items() if not torch.equal(value, old[name])]
    assert any("running_mean" in name for name in moved)
    assert any("first.weight" in name for name in moved)
    given = torch.from_numpy(patterns.feed["input"])
    assert [len(program.module()(given[:count])) for count in (1, 5)] == [1, 5]


def test_mirrored_digits_are_no_digits_to_the_teacher(patterns: Bench, damaged: LocalArtifact) -> None:
    made = patterns.apply("distill", damaged, "out", steps=2)
    assert "mirrored" not in made.details["augmentation"]


def test_what_is_whole_already_gets_no_worse(patterns: Bench) -> None:
    made = patterns.apply("distill", patterns.teacher, "out", steps=6, learning_rate=5.0)
    assert made.details["after"]["search_loss"] <= made.details["before"]["search_loss"]
    assert patterns.agreement(made) == 1.0


def test_a_deadline_leaves_the_best_so_far(patterns: Bench, damaged: LocalArtifact) -> None:
    context, asked = patterns.context("out"), iter(range(40, -1, -1))
    assert context.training is not None
    ending = replace(context.training, seconds_left=lambda: max(0.4, 100.0 * next(asked, 0)))
    context = replace(context, training=ending)
    made = patterns.apply("distill", damaged, "out", context=context, minutes=60)
    assert made.details["complete"] is False
    assert made.details["steps"] > 0
    assert made.details["after"]["search_loss"] < made.details["before"]["search_loss"]
    assert (ending.checkpoints / "state.pt").exists()


def test_it_goes_on_to_the_weights_of_an_undisturbed_one(
    patterns: Bench, damaged: LocalArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = patterns.apply("distill", damaged, "whole", steps=24)

    context = killed_at(15, patterns, "distill", damaged, monkeypatch, steps=24)
    made = patterns.apply("distill", damaged, "killed", context=context, steps=24)
    assert made.details["began_at"] == 14
    assert made.details["steps"] == 24
    assert np.allclose(patterns.answers(made), patterns.answers(whole), atol=0.1, rtol=0.05)  # BF16


def test_more_time_is_a_second_one_behind_the_first(patterns: Bench, damaged: LocalArtifact) -> None:
    first = patterns.apply("distill", damaged, "first", steps=8)
    second = patterns.apply("distill", first, "second", steps=24)
    assert second.details["learning_rate"] == pytest.approx(0.4 * first.details["learning_rate"])
    left, began, ended = (
        each["search_loss"]
        for each in (first.details["after"], second.details["before"], second.details["after"])
    )
    assert began <= 1.05 * left < first.details["before"]["search_loss"]
    assert ended < left


def test_a_broken_checkpoint_is_none(patterns: Bench, damaged: LocalArtifact) -> None:
    context = patterns.context("out")
    assert context.training is not None
    (context.training.checkpoints / "state.pt").write_bytes(b"PK rubbish")
    made = patterns.apply("distill", damaged, "out", context=context, steps=3)
    assert made.details["began_at"] == 0


def test_without_data_and_without_memory_it_says_so(
    patterns: Bench, damaged: LocalArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(patterns.context("out"), training=None)
    with pytest.raises(PassNotApplicable, match="needs data"):
        patterns.apply("distill", damaged, "out", context=bare)
    monkeypatch.setattr(memory, "memory_available", lambda: 10_000)
    with pytest.raises(PassNotApplicable, match="GB of memory") as caught:
        patterns.apply("distill", damaged, "out", steps=2)
    assert caught.value.hint


def _regression(folder: Path) -> tuple[Bench, LocalArtifact]:
    """Return a bench of a network without batch norms and with two outputs of very different units."""

    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(6, 24)
            self.small, self.large = torch.nn.Linear(24, 1), torch.nn.Linear(24, 3)

        def forward(self, x: Any) -> Any:
            inner = torch.tanh(self.inner(x))
            return self.small(inner) * 1e-3, self.large(inner) * 1e3

    torch.manual_seed(0)
    values = np.random.default_rng(0).standard_normal((256, 6)).astype("f4")
    model: SourceModel = zoo.source(
        {"x": ("float32", ("b", 6))}, {"a": ("float32", ("b", 1)), "c": ("float32", ("b", 3))}, "pt2"
    )
    bench = Bench(model, artifact("pt2", folder / "t"), {"x": values}, values[:, :1], folder)
    teacher = learned(Two(), values, lambda found: 1e3 * found[0].square().sum(), steps=1)
    bench.teacher = bench.saved(teacher, "teacher")
    with torch.no_grad():
        for each in teacher.parameters():
            each += 0.5 * torch.randn_like(each)
    return bench, bench.saved(teacher, "damaged")


def test_outputs_of_different_units_are_learned_alike(tmp_path: Path) -> None:
    bench, damaged = _regression(tmp_path)
    made = bench.apply("distill", damaged, "out", steps=300, learning_rate=0.01)
    assert made.details["optimizer"] == "AdamW"
    assert made.details["precision"] == "FP32"
    assert made.details["after"]["search_loss"] < 0.05 * made.details["before"]["search_loss"]
    error = np.square(bench.answers(made) - bench.answers(bench.teacher)).mean()
    assert error < 0.25 * bench.answers(bench.teacher).var()


def test_nothing_but_its_own_rows_is_ever_looked_at(patterns: Bench, damaged: LocalArtifact) -> None:
    """Rows that it must not see hold a number that would make every loss and every weight one, too."""
    poisoned = replace(patterns, feed={"input": patterns.feed["input"].copy()})
    poisoned.feed["input"][64:192] = np.nan
    made = poisoned.apply("distill", damaged, "out", context=poisoned.context("out", most=64), steps=6)
    assert np.isfinite(made.details["after"]["search_loss"])
    assert np.isfinite(poisoned.answers(made)).all()


def test_a_teacher_of_onnx_teaches_alike(patterns: Bench, damaged: LocalArtifact) -> None:
    onnx = patterns.apply("export_onnx", patterns.teacher, "onnx")
    context = patterns.context("out")
    training = context.training
    assert isinstance(training, Training)
    context = replace(context, training=replace(training, teacher=onnx))
    made = patterns.apply("distill", damaged, "out", context=context, steps=40)
    assert patterns.agreement(made) > 0.85
