"""Distillation into a smaller network: copies of the teacher, networks by name, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import PassNotApplicable
from core.graphs.torch.modules import load_exported
from core.protocols import LocalArtifact
from tests.passes.conftest import Sample, answer, apply
from tests.passes.training.conftest import Bench


def parameters(made: LocalArtifact) -> int:
    return sum(value.numel() for value in load_exported(made.path).state_dict.values())


def test_a_narrower_copy_learns_to_answer_as_the_whole_network(patterns: Bench) -> None:
    made = patterns.apply("distill_student", patterns.teacher, "out", steps=60)
    assert parameters(made) < 0.6 * parameters(patterns.teacher)
    assert patterns.agreement(made) > 0.9
    assert made.details["after"]["search_loss"] < made.details["before"]["search_loss"]


def test_it_goes_on_with_the_same_copy(patterns: Bench) -> None:
    context = patterns.context("out")
    patterns.apply("distill_student", patterns.teacher, "out", context=context, steps=4)
    made = patterns.apply("distill_student", patterns.teacher, "out", context=context, steps=8)
    assert (made.details["began_at"], made.details["steps"]) == (4, 8)


def test_a_shallower_copy_has_fewer_blocks(resnet: Sample, tmp_path: Path) -> None:
    made = apply("distill_student", resnet, "pt2", tmp_path / "out", student="shallower", steps=2)
    assert parameters(made) < parameters(resnet.artifacts["pt2"])
    assert answer(made, resnet.model, 3)[0].shape == (3, 10)


@pytest.mark.parametrize(
    ("student", "message", "hint"),
    [
        ("resnet_18", "source of a network 'resnet_18' is not known", "did you mean resnet18"),
        ("squeezenet1_1", "cannot read inputs of the shape", "Choose narrower or shallower"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_with_the_reason(
    patterns: Bench, student: str, message: str, hint: str
) -> None:
    with pytest.raises(PassNotApplicable, match=message) as caught:
        patterns.apply("distill_student", patterns.teacher, "out", student=student, steps=1)
    assert hint in caught.value.hint


def test_what_is_no_classifier_of_pictures_has_no_network_by_name(patterns: Bench) -> None:
    other = replace(patterns, model=replace(patterns.model, classes=None))
    with pytest.raises(PassNotApplicable, match="your model does something else"):
        other.apply("distill_student", other.teacher, "out", student="resnet18", steps=1)


def test_a_network_that_is_no_smaller_is_refused(resnet: Sample, tmp_path: Path) -> None:
    classifier = replace(resnet, model=replace(resnet.model, classes=10))
    with pytest.raises(PassNotApplicable, match=r"shufflenet_v2_x0_5 has .* parameters, your network"):
        apply("distill_student", classifier, "pt2", tmp_path / "out", student="shufflenet_v2_x0_5", steps=1)
