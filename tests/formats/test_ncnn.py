"""ncnn's files are read without ncnn: layers in order, weights beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.archives.ncnn_params import ports_of, read_layers
from core.errors import CorruptFile, UnsafeUpload
from core.formats.check import check_artifact

LINES = (
    "Input            in0    0 1 in0",
    'Convolution      conv   1 1 in0 1 0=8 1=3 -23309=2,0.1,1e-3 5="a,b->c"',
    "torch.roll       roll   1 1 1 2 shifts=1",
    "Split            split  1 2 1 2 3",
    "BinaryOp         add    2 1 2 3 out0 0=0",
)
WHOLE = tuple(line for line in LINES if "torch" not in line)


def text(*lines: str, layers: int | None = None, blobs: int = 5) -> str:
    return "\n".join(["7767517", f"{len(lines) if layers is None else layers} {blobs}", *lines, ""])


def check(content: str, folder: Path) -> None:
    path, weights = folder / "model.ncnn.param", folder / "model.ncnn.bin"
    path.write_text(content)
    weights.write_bytes(bytes(16))
    check_artifact("ncnn", (path, weights))


def test_whole_files_pass(tmp_path: Path) -> None:
    check(text(*WHOLE), tmp_path)
    layers = read_layers(tmp_path / "model.ncnn.param")
    assert [layer.kind for layer in layers] == ["Input", "Convolution", "Split", "BinaryOp"]
    assert ports_of(layers) == (["in0"], ["out0"])


def test_weights_have_to_be_there_and_nothing_else(tmp_path: Path) -> None:
    check(text(*WHOLE), tmp_path)
    path, weights = tmp_path / "model.ncnn.param", tmp_path / "model.ncnn.bin"
    (tmp_path / "run.sh").write_text("true")
    with pytest.raises(UnsafeUpload, match="does not belong"):
        check_artifact("ncnn", (path, weights, tmp_path / "run.sh"))
    weights.unlink()
    with pytest.raises(CorruptFile, match="missing"):
        check_artifact("ncnn", (path,))


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "7767518\n0 0\n",
        text(*WHOLE, layers=9),
        text(*WHOLE, blobs=9),
        text(*WHOLE[1:]),
        text(*LINES),
        text(*WHOLE, "Input in1 0 1 in0", blobs=6),
        text(WHOLE[0], "Convolution conv 5 1 in0", blobs=2),
        text(WHOLE[0].replace("in0", "../in0;x"), blobs=1),
        text(WHOLE[0], "ReLU relu 1 1 in0 1 0=$(id)", blobs=2),
        text("Input in0 -1 1 in0", blobs=1),
    ],
    ids=[
        "empty",
        "magic",
        "layers",
        "blobs",
        "order",
        "unknown operator",
        "written twice",
        "too few",
        "name",
        "setting",
        "count",
    ],
)
def test_what_is_broken_is_refused(broken: str, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile):
        check(broken, tmp_path)


def test_an_operator_that_ncnn_does_not_have_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "model.param"
    path.write_text(
        text(*(line.replace("shifts=1", "0=1").replace("1 1 1 2", "1 1 1 9") for line in LINES), blobs=6)
    )
    assert [layer.kind for layer in read_layers(path) if layer.foreign] == ["torch.roll"]
