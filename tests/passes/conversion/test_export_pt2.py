from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.errors import PassFailed
from core.passes.checks import distance
from core.passes.conversion import export_pt2
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact

BRANCHING = zoo.source({"x": ("float32", ("b", 4))}, {"y": ("float32", ("b", 4))}, "state_dict")


def test_the_program_answers_as_the_network_at_any_batch(resnet: Sample, tmp_path: Path) -> None:
    built = apply("export_pt2", resnet, "state_dict", tmp_path)
    assert built.format == "pt2"
    for batch in (1, 3):
        expected = answer(resnet.artifacts["state_dict"], resnet.model, batch)
        assert distance(expected, answer(built, resnet.model, batch)) < 1e-4


def test_a_network_that_branches_on_its_values_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(export_pt2, "open_module", lambda artifact, model: zoo.Branching().eval())
    sample = Sample(BRANCHING, {"state_dict": artifact("state_dict", tmp_path)})
    with pytest.raises(PassFailed) as caught:
        apply("export_pt2", sample, "state_dict", tmp_path / "out")
    assert "torch.export" in caught.value.message
    assert caught.value.hint


def test_the_programs_weights_are_the_state_dict(resnet: Sample, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    built = apply("export_pt2", resnet, "state_dict", tmp_path)
    given = load_file(str(resnet.artifacts["state_dict"].path))
    kept = torch.export.load(str(built.path)).state_dict
    assert set(kept) == set(given)
    assert all(torch.equal(kept[name], given[name]) for name in given)
