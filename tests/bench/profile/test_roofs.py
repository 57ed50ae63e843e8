"""Roofs are measured by work of which it is known how much it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bench.profile import compute_roofs, memory_roofs
from core.domain.roofline import Ceiling


def test_a_roof_leaves_single_outliers_out() -> None:
    found = Ceiling.of([10.0] * 18 + [1.0, 30.0], "reads")
    assert (found.value, found.low, found.high) == (10.0, 10.0, 30.0)


def test_what_a_processor_has_no_instructions_for_has_no_roof(monkeypatch: pytest.MonkeyPatch) -> None:
    work = compute_roofs.Work("nothing", 1000, lambda: None)
    monkeypatch.setattr(compute_roofs, "_works", lambda *_: [work])
    monkeypatch.setattr(compute_roofs, "SECONDS", 0.0)
    assert set(compute_roofs.compute_roofs(("avx2",), 1)) == {"FP32"}
    assert set(compute_roofs.compute_roofs(("avx2", "avx512_vnni"), 1)) == {"FP32", "INT8"}


def test_the_work_counts_its_macs_and_really_runs_in_its_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute_roofs, "PRODUCTS", (32,))
    monkeypatch.setattr(compute_roofs, "CONVOLUTIONS", ((16, 8),))
    works = list(compute_roofs._works("FP32", 1))
    assert [work.macs for work in works] == [32**3, 8 * 8 * 16 * 16 * 9, 8 * 8 * 16 * 16 * 9]
    for work in [*works, *compute_roofs._works("INT8", 1)]:
        work.call()


def test_memory_is_read_within_each_level(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, int] = {}

    def read(size: int, threads: int) -> Ceiling:
        seen[size] = threads
        return Ceiling(1.0, 1.0, 1.0, "")

    monkeypatch.setattr(memory_roofs, "_read", read)
    sizes = {"L1": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}
    assert list(memory_roofs.memory_roofs(sizes, 2)) == ["L1", "L2", "L3", "DRAM"]
    assert list(seen) == [16 << 10, 256 << 10, 8 << 20, 128 << 20]
    assert list(memory_roofs.memory_roofs({"L3": 2 << 30}, 1)) == ["L3"]  # nothing is safely outside of it


def test_reading_small_buffers_gives_a_rate() -> None:
    assert memory_roofs._read(16 << 10, 2).value > 0


def test_caches_are_read_from_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index, (level, kind, size, shared) in enumerate(
        [(1, "Data", "48K", "0"), (1, "Instruction", "32K", "0"), (2, "Unified", "1M", "0-1")]
    ):
        folder = tmp_path / "cpu0" / "cache" / f"index{index}"
        folder.mkdir(parents=True)
        for name, text in (
            ("level", str(level)),
            ("type", kind),
            ("size", size),
            ("shared_cpu_list", shared),
        ):
            (folder / name).write_text(text)
    monkeypatch.setattr(memory_roofs, "CACHES", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert memory_roofs.cache_sizes(1) == {"L1": 48 << 10, "L2": 1 << 20}
    assert memory_roofs.cache_sizes(2) == {"L1": 96 << 10, "L2": 1 << 20}
