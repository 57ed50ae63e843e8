"""SavedModels: read without TensorFlow, and refused where they hold more than an export writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CorruptFile, UnsafeUpload
from core.formats.check import check_artifact


def field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer."""
    length, size = len(content), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def node(operator: str) -> bytes:
    return field(1, b"some_node") + field(2, operator.encode())


def saved(
    folder: Path, *operators: str, name: str = "__inference_rows_1", further: bytes = b""
) -> tuple[Path, ...]:
    """Write a SavedModel with one function of these operators, and its variables."""
    body = b"".join(field(3, node(each)) for each in operators)
    function = field(1, field(1, name.encode())) + body
    graph = field(1, node("Placeholder")) + field(2, field(1, function))
    (folder / "variables").mkdir(parents=True)
    files = [folder / each for each in ("saved_model.pb", "fingerprint.pb", "variables/variables.index")]
    files.append(folder / "variables/variables.data-00000-of-00001")
    # A version as a number before, and what this reader does not know behind.
    files[0].write_bytes(b"\x08\x01" + field(2, field(2, graph)) + further)
    for each in files[1:]:
        each.write_bytes(b"held")
    return tuple(files)


def test_the_network_and_its_variables_pass(tmp_path: Path) -> None:
    check_artifact("savedmodel", saved(tmp_path / "model", "ReadVariableOp", "XlaCallModule"))


def test_variables_are_written_by_the_function_that_saves_alone(tmp_path: Path) -> None:
    own = saved(tmp_path / "own", "XlaCallModule", "SaveV2", name="__inference__traced_save_7")
    check_artifact("savedmodel", own)
    with pytest.raises(UnsafeUpload, match="SaveV2"):
        check_artifact("savedmodel", saved(tmp_path / "model", "XlaCallModule", "SaveV2"))


@pytest.mark.parametrize("operator", ["PyFunc", "WriteFile", "ReadFile"])
def test_an_operator_that_no_export_writes_is_refused(tmp_path: Path, operator: str) -> None:
    with pytest.raises(UnsafeUpload, match=operator):
        check_artifact("savedmodel", saved(tmp_path / "model", "XlaCallModule", operator))


def test_code_of_its_own_is_refused(tmp_path: Path) -> None:
    files = saved(tmp_path / "model", "XlaCallModule", further=field(9, b"stablehlo.custom_call @run"))
    with pytest.raises(UnsafeUpload, match="custom call"):
        check_artifact("savedmodel", files)


def test_strays_are_refused(tmp_path: Path) -> None:
    files = saved(tmp_path / "model", "XlaCallModule")
    stray = tmp_path / "model/assets.so"
    stray.write_bytes(b"x")
    with pytest.raises(UnsafeUpload, match=r"assets\.so"):
        check_artifact("savedmodel", (*files, stray))


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x12\x7fshort"])
def test_what_is_no_savedmodel_is_broken(tmp_path: Path, content: bytes) -> None:
    files = saved(tmp_path / "model", "XlaCallModule")
    files[0].write_bytes(content)
    with pytest.raises(CorruptFile, match="no SavedModel"):
        check_artifact("savedmodel", files)
