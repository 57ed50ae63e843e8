from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CorruptFile, UnsafeUpload
from core.formats.check import check_artifact

HEAD = (16).to_bytes(4, "little") + b"ORTM"


def test_only_files_with_the_mark_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "model.ort"
    path.write_bytes(HEAD + bytes(64))
    check_artifact("ort", (path,))
    path.write_bytes(bytes(4) + b"TFL3" + bytes(64))
    with pytest.raises(UnsafeUpload, match="no ONNX Runtime model"):
        check_artifact("ort", (path,))
    path.write_bytes(HEAD)
    with pytest.raises(CorruptFile, match="cut off"):
        check_artifact("ort", (path,))


def test_beside_it_lies_the_list_of_operators_alone(tmp_path: Path) -> None:
    path, listed = tmp_path / "model.ort", tmp_path / "model.required_operators.config"
    path.write_bytes(HEAD + bytes(64))
    listed.write_text("ai.onnx;12;Conv,Gemm\n")
    check_artifact("ort", (path, listed))
    listed.write_bytes(b"\x80\x00")
    with pytest.raises(UnsafeUpload, match="no list of operators"):
        check_artifact("ort", (path, listed))
