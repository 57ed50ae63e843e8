from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.bench.timing.endpoint import Endpoint
from core.bench.timing.final_heat import heat
from core.bench.timing.interleaving import MeasurementPlan
from core.errors import Cancelled
from tests.bench.conftest import Chain

PLAN = MeasurementPlan(min_rounds=8, max_seconds=5, heat_starts=2)


def middles(starts: tuple[np.ndarray, ...]) -> list[float]:
    return [float(np.median(start)) for start in starts]


def _with_file(endpoint: Endpoint, path: Path) -> Endpoint:
    return replace(endpoint, artifact=replace(endpoint.artifact, path=path, files=(path,)))


def test_all_run_against_the_baseline_and_the_baseline_against_itself(chain: Chain, tmp_path: Path) -> None:
    entries = [chain(80), chain(20), chain(80)]
    baseline, fast, same = heat(entries, PLAN, tmp_path / "heat", seconds=90)
    for found in (baseline, fast, same):
        assert [start.size for start in found.starts] == [4, 4]
        assert found.batch == 16
    assert all(2.8 < ratio < 5.6 for ratio in middles(fast.starts))
    for found in (baseline, same):
        assert all(0.7 < ratio < 1.4 for ratio in middles(found.starts))


def test_what_cannot_be_loaded_or_does_not_fit_is_left_out(chain: Chain, tmp_path: Path) -> None:
    broken, huge = tmp_path / "broken.onnx", tmp_path / "huge.onnx"
    broken.write_bytes(chain(20).artifact.path.read_bytes()[:99])
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    entries = [chain(20), _with_file(chain(20), broken), _with_file(chain(20), huge), chain(20)]
    plan = replace(PLAN, heat_starts=1)
    found = heat(entries, plan, tmp_path / "heat", seconds=60)
    assert [len(each.starts) for each in found] == [1, 0, 0, 1]


def test_what_is_far_from_the_baseline_needs_no_further_start(chain: Chain, tmp_path: Path) -> None:
    plan = replace(PLAN, starts=1, min_rounds=4)
    found = heat([chain(80), chain(20)], plan, tmp_path / "heat", seconds=60)
    assert [len(each.starts) for each in found] == [1, 1]


def test_without_time_nothing_is_loaded(chain: Chain, tmp_path: Path) -> None:
    found = heat([chain(20), chain(20)], PLAN, tmp_path / "heat", seconds=0)
    assert [each.starts for each in found] == [(), ()]
    assert not (tmp_path / "heat").exists()


def test_a_cancelled_heat_ends(chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        heat([chain(20), chain(20)], PLAN, tmp_path / "heat", seconds=60, cancel=lambda: True)
