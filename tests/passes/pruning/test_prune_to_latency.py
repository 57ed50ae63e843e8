from __future__ import annotations

from pathlib import Path

import pytest

from core import params, registry
from core.domain.recipe import Target
from core.errors import PassNotApplicable
from core.passes.pruning import width_search
from tests.passes.conftest import Sample, answer, apply, by_size, context


@pytest.mark.parametrize("format", ["pt2", "onnx"])
def test_the_time_asked_for_is_saved_within_the_tolerance(
    format: str, resnet: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(width_search, "rough_times", by_size)
    built = apply("prune_to_latency", resnet, format, tmp_path, reduction=0.3)
    details = built.details
    assert details["asked"] == 0.3
    assert abs(details["reduction"] - 0.3) <= width_search.CLOSE + 0.02
    assert len(details["widths"]) == 4
    assert all(1 <= now <= before for before, now in details["widths"])
    assert [one.shape for one in answer(built, resnet.model, 3)] == [(3, 10)]


def test_more_than_narrow_layers_can_save_is_refused_with_what_they_can(
    resnet: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(width_search, "rough_times", by_size)
    with pytest.raises(PassNotApplicable, match=r"at most \d\d ?% faster"):
        apply("prune_to_latency", resnet, "onnx", tmp_path, reduction=0.8)


def test_a_target_that_runs_no_onnx_is_refused(resnet: Sample, tmp_path: Path) -> None:
    found = registry.get_pass("prune_to_latency")
    given = context(resnet.model, tmp_path, target=Target("pytorch"))
    with pytest.raises(PassNotApplicable, match="does not run them"):
        found.run(given, resnet.artifacts["pt2"], params.make(found.Params, {}))
