"""The inspection as it really runs: in a confined process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.architectures.networks.cifar_resnet import CifarResNet
from core.domain.model import SourceModel
from core.errors import InputError, UnsafeUpload
from core.protocols import InspectOptions
from core.sandbox.process import Child
from core.serde import from_plain
from core.sources.describe import UNIT, InspectRequest
from tests.orders import MODULE, do
from tests.sources.conftest import classifier, save


def inspect(path: Path, folder: Path, **options: Any) -> tuple[SourceModel, list[str]]:
    with Child(MODULE, reads=[path], writes=folder) as child:
        reply = looked(child, path, folder, **options)
    return from_plain(reply["values"]["model"], SourceModel), reply["files"]


def looked(child: Child, path: Path, folder: Path, **options: Any) -> dict[str, Any]:
    return do(child, UNIT.unit(InspectRequest(path, InspectOptions(**options))), folder)


def test_onnx_in_confinement(tmp_path: Path) -> None:
    path = save(classifier(), tmp_path / "in" / "net.onnx")
    model, files = inspect(path, tmp_path / "job", shapes={"image": [1, 3, 32, 32]})
    assert (model.inputs[0].shape, model.macs, files) == (("N", 3, 32, 32), 97220, ["model.onnx"])
    assert (tmp_path / "job" / "model.onnx").read_bytes() == path.read_bytes()


def test_torch_files_in_confinement(
    tmp_path: Path, pt2_folder: Path, script_folder: Path, network: Any
) -> None:
    """In one process, since importing PyTorch takes longest."""
    torch.save(network, str(tmp_path / "whole.pt"))
    torch.save(CifarResNet([1, 1, 1], [4, 8, 16], 3, 7).state_dict(), str(tmp_path / "net.pth"))
    reads = [pt2_folder, script_folder, tmp_path / "whole.pt", tmp_path / "net.pth"]
    expected = {
        pt2_folder / "text.pt2": "model.pt2",
        script_folder / "image.pt": "model.pt",
        tmp_path / "net.pth": "model.safetensors",
    }
    with Child(MODULE, reads=reads, writes=tmp_path / "job") as child:
        for path, kept in expected.items():
            reply = looked(child, path, tmp_path / "job")
            assert reply["files"] == [kept]
            assert from_plain(reply["values"]["model"], SourceModel).batch_symbol == "batch"
        with pytest.raises(UnsafeUpload, match="would run Python code"):
            looked(child, reads[2], tmp_path / "job")


def test_damaged_files_end_in_errors_of_ours(tmp_path: Path) -> None:
    data = np.frombuffer(classifier().SerializeToString(), np.uint8)
    generator = np.random.default_rng(0)
    refused = 0
    with Child(MODULE, reads=[tmp_path], writes=tmp_path / "job") as child:
        for number in range(40):
            damaged = data.copy()
            damaged[generator.integers(0, len(data), 3)] = generator.integers(0, 256, 3)
            path = tmp_path / f"{number}.onnx"
            path.write_bytes(damaged.tobytes())
            try:
                looked(child, path, tmp_path / "job")
            except InputError:
                refused += 1
    assert refused > 5


def test_recognition_needs_no_heavy_library(tmp_path: Path) -> None:
    path = save(classifier(), tmp_path / "net.onnx")
    code = (
        "import sys; from pathlib import Path; from core.sources.inspect import recognize\n"
        f"assert recognize(Path({str(path)!r})).id == 'onnx'\n"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'safetensors') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
