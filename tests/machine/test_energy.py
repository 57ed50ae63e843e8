from __future__ import annotations

from pathlib import Path

import pytest

from core.machine.energy import Reading, reading


def counter(folder: Path, name: str, value: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{value}\n")
    (folder / name / "max_energy_range_uj").write_text("10000000\n")


def test_packages_are_added_up_and_counters_may_begin_anew(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", 9_000_000)
    counter(tmp_path, "intel-rapl:1", 1_000_000)
    counter(tmp_path, "intel-rapl:0:0", 5)  # a part of the first
    before = reading(tmp_path)
    counter(tmp_path, "intel-rapl:0", 1_000_000)
    counter(tmp_path, "intel-rapl:1", 4_000_000)
    after = reading(tmp_path)
    assert isinstance(before, Reading)
    assert isinstance(after, Reading)
    assert before.joules_until(after) == pytest.approx(5.0)


def test_without_counters_the_reason_is_told(tmp_path: Path) -> None:
    assert "exposes no energy counters" in str(reading(tmp_path))
    counter(tmp_path, "intel-rapl:0", 1)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("nonsense")
    assert "cannot be read" in str(reading(tmp_path))
