from __future__ import annotations

from pathlib import Path

from core.archives.hard_links import link_or_copy


def test_a_placed_file_is_the_same(tmp_path: Path) -> None:
    source, target = tmp_path / "model.bin", tmp_path / "out" / "model.bin"
    source.write_bytes(b"weights")
    for _ in range(2):
        assert link_or_copy(source, target).read_bytes() == b"weights"
    assert link_or_copy(target, target) == target
    assert target.read_bytes() == b"weights"
