"""Commands of the measuring process."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bench.quality.saved_outputs import read_outputs
from core.bench.timing.commands import PREDICT, Predict
from core.bench.timing.endpoint import Host, parent_elsewhere, timing_cores
from core.machine.environment import usable_cores
from tests.bench.conftest import Chain


@pytest.mark.parametrize(
    ("seconds", "most", "saved"), [(None, None, 21), (0.0, None, 16), (None, 16, 16), (60.0, 17, 21)]
)
def test_the_evaluation_ends_at_its_limits_with_what_is_there(
    chain: Chain, tmp_path: Path, rows: Path, seconds: float | None, most: int | None, saved: int
) -> None:
    with Host(chain(1), tmp_path / "out", rows, set()) as host:
        host.open()
        folder = tmp_path / "out" / "predictions"
        said = host.ask(PREDICT, Predict(folder, most, seconds, copies=1, spare_bytes=1 << 30))
    assert said.samples == saved
    assert read_outputs(folder)[0].shape[0] == saved


def test_all_cores_are_given_back_after_timing(chain: Chain, tmp_path: Path) -> None:
    cores, there = timing_cores(1), usable_cores()
    with Host(chain(1), tmp_path / "out", None, cores) as host:
        host.ready()
        with parent_elsewhere(cores):
            assert host.spread() == there
