"""LiteRT files are followed to their graphs and weights without LiteRT."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CorruptFile, UnsafeUpload
from core.formats.check import check_artifact
from tests.formats.tflite_files import litert


def check(content: bytes, folder: Path) -> None:
    path = folder / "model.tflite"
    path.write_bytes(content)
    check_artifact("tflite", (path,))


def test_a_whole_file_passes(tmp_path: Path) -> None:
    check(litert(), tmp_path)


def test_another_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="no LiteRT model"):
        check(b"PK\x03\x04" + bytes(100), tmp_path)


@pytest.mark.parametrize(
    "broken",
    [litert(version=2), litert(graphs=0), litert(length=1000), litert(length=2**32 - 1), litert()[:40]],
    ids=["version", "no graph", "weights beyond", "weights far beyond", "cut off"],
)
def test_what_is_broken_is_refused(broken: bytes, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile):
        check(broken, tmp_path)


def test_no_cut_and_no_changed_byte_breaks_the_check(tmp_path: Path) -> None:
    whole = litert()
    for at in range(8, len(whole)):
        for content in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            try:
                check(content, tmp_path)
            except CorruptFile:
                continue


def _broken(field: str) -> bytes:
    """Return a perceptron's file with one index beyond what it lists."""
    from torch import nn

    from tests.runtimes.tflite import packed, perceptron

    model = perceptron(nn.Linear(4, 2))
    graph, first = model.subgraphs[0], model.subgraphs[0].operators[0]
    if field == "weights":
        graph.tensors[1].buffer = 99
    if field == "layer":
        first.opcodeIndex = 99
    if field == "operand":
        first.inputs = [0, 1, 99]
    if field == "result":
        first.outputs = [-2]
    if field == "input":
        graph.inputs = [99]
    return packed(model)


@pytest.mark.parametrize("field", ["weights", "layer", "operand", "result", "input"])
def test_indices_beyond_what_is_listed_are_refused(field: str, tmp_path: Path) -> None:
    check(_broken("nothing"), tmp_path)
    with pytest.raises(CorruptFile, match=r"does not (hold|list)"):
        check(_broken(field), tmp_path)


def test_graphs_that_share_their_tensors_do_not_take_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.archives.flatbuffers.LEAST_BYTES", 100)
    with pytest.raises(CorruptFile, match="more parts than fit"):
        check(_broken("nothing"), tmp_path)
