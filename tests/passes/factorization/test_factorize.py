from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import params, registry
from core.errors import PassNotApplicable
from core.passes.factorization import layers
from core.passes.latency import RoughTime
from core.protocols import LocalArtifact, PassContext
from tests.passes.conftest import Sample, answer, apply, by_size, context


def test_layers_of_low_rank_are_split_and_compute_the_same(
    graphs: dict[str, Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "rough_times", by_size)
    sample = graphs["low_rank"]
    built = apply("factorize", sample, "pt2", tmp_path, loss=0.001)
    assert built.details["ranks"] == [4, 8]
    assert built.details["factorized"] == ["conv", "line"]
    assert (built.details["layers"], built.details["judged_by"]) == (3, "on the target")
    assert built.details["parameters"] < 0.4 * built.details["parameters_before"]
    for batch in (1, 3):
        expected, found = (answer(each, sample.model, batch) for each in (sample.artifacts["pt2"], built))
        np.testing.assert_allclose(found[0], expected[0], atol=2e-3 * np.abs(expected[0]).max())


def test_what_is_not_faster_in_two_stays_one(
    graphs: dict[str, Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_slow(artifacts: list[LocalArtifact], given: PassContext) -> list[RoughTime]:
        return [RoughTime(1.0, 1.0, 0.0), RoughTime(0.98, 0.98, 0.0)]

    monkeypatch.setattr(layers, "rough_times", as_slow)
    with pytest.raises(PassNotApplicable, match="none is faster so on the target"):
        apply("factorize", graphs["low_rank"], "pt2", tmp_path)


def test_layers_of_full_rank_are_refused(resnet: Sample, tmp_path: Path) -> None:
    found = registry.get_pass("factorize")
    with pytest.raises(PassNotApplicable, match="so low a rank"):
        found.run(
            context(resnet.model, tmp_path),
            resnet.artifacts["pt2"],
            params.make(found.Params, {"loss": 0.001}),
        )
