"""Commands of the measuring process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.bench.quality.saved_outputs import read_outputs
from core.bench.timing.commands import OTHER_BATCH, PREDICT, OtherBatch, Predict
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


def test_a_call_of_another_size_gives_the_same_rows(chain: Chain, tmp_path: Path, rows: Path) -> None:
    with Host(chain(1), tmp_path / "out", rows, set()) as host:
        host.open()
        said = host.ask(OTHER_BATCH, OtherBatch(tmp_path / "out" / "other", 3))
        host.ask(PREDICT, Predict(tmp_path / "out" / "predictions", 16, None, copies=1, spare_bytes=1 << 30))
    assert said.rows == 3
    (other,), (usual,) = (read_outputs(tmp_path / "out" / each) for each in ("other", "predictions"))
    assert np.allclose(other[:], usual[:][:3], atol=1e-5)


def test_all_cores_are_given_back_after_timing(chain: Chain, tmp_path: Path) -> None:
    cores, there = timing_cores(1), usable_cores()
    with Host(chain(1), tmp_path / "out", None, cores) as host:
        host.ready()
        with parent_elsewhere(cores):
            assert host.spread() == there
