"""A streamed zip is whole, in pieces, and the same every time."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from core.packagers.streaming import BLOCK, stream_zip


def test_a_zip_is_sent_piece_by_piece(tmp_path: Path) -> None:
    large = bytes(range(256)) * (BLOCK // 64)
    (tmp_path / "large").write_bytes(large)
    files: list[tuple[str, Path | bytes]] = [("a/large.bin", tmp_path / "large"), ("results.json", b"{}")]
    pieces = list(stream_zip(files))
    assert max(map(len, pieces)) < BLOCK + 1000
    assert len(pieces) >= 5
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.read("a/large.bin") == large
        assert archive.namelist() == ["a/large.bin", "results.json"]
    assert b"".join(stream_zip(files)) == b"".join(pieces)


def test_an_empty_zip_is_one() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(stream_zip([])))) as archive:
        assert archive.namelist() == []
