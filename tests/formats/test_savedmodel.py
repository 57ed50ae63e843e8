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


def graph_of(folder: Path, graph: bytes, signature: bytes = b"", further: bytes = b"") -> tuple[Path, ...]:
    """Write a SavedModel of this graph, whose signature gives one output."""
    files = saved(folder, "XlaCallModule")
    tensor = field(2, field(1, b"out") + field(2, field(1, signature)))
    meta = field(2, graph) + field(5, field(1, b"serving_default") + field(2, tensor))
    files[0].write_bytes(field(2, meta) + further)
    return files


SAVING = b"__inference__traced_save_7"
NETWORK = field(1, field(1, field(1, b"f")) + field(3, node("XlaCallModule")))


def called(name: str, function: bytes, *inputs: bytes) -> bytes:
    """Return a node that calls a function."""
    value = field(10, field(1, function))
    attribute = field(5, field(1, b"f") + field(2, value))
    given = b"".join(field(3, each) for each in inputs)
    return field(1, name.encode()) + field(2, b"PartitionedCall") + given + attribute


def test_no_signature_and_no_function_calls_what_saves(tmp_path: Path) -> None:
    writes = field(1, field(1, field(1, SAVING)) + field(3, node("SaveV2")))
    both = field(2, NETWORK + writes)
    aside = field(1, called("save", SAVING)) + field(1, called("run", b"f")) + both
    check_artifact("savedmodel", graph_of(tmp_path / "fine", aside, b"run:0"))
    behind = field(1, called("run", b"f", b"^save")) + field(1, called("save", SAVING)) + both
    within = field(1, field(1, field(1, b"g")) + field(3, called("n", SAVING)))
    plain = field(1, field(1, b"save") + field(2, b"SaveV2")) + field(2, NETWORK)
    for number, (graph, signature) in enumerate(
        [
            (aside, b"save:0"),
            (behind, b"run:0"),
            (field(1, called("run", b"g")) + field(2, NETWORK + writes + within), b"run:0"),
            (plain, b"save:0"),
        ]
    ):
        with pytest.raises(UnsafeUpload, match="reads or writes files"):
            check_artifact("savedmodel", graph_of(tmp_path / str(number), graph, signature))


def test_a_function_has_the_name_that_readers_take(tmp_path: Path) -> None:
    twice = field(1, field(1, SAVING)) + field(1, field(1, b"f"))
    graph = field(2, NETWORK + field(1, twice + field(3, node("SaveV2"))))
    with pytest.raises(UnsafeUpload):
        check_artifact("savedmodel", graph_of(tmp_path / "model", graph))


def test_code_of_its_own_is_refused_however_it_is_spelled(tmp_path: Path) -> None:
    files = saved(tmp_path / "model", "XlaCallModule", further=field(9, rb'"stablehlo.custom\5Fcall"() @run'))
    with pytest.raises(UnsafeUpload, match="custom call"):
        check_artifact("savedmodel", files)
