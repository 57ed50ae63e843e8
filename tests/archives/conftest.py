from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class TorchFiles:
    program: Path
    script: Path
    weights: Path
    old_weights: Path
    checkpoint: Path
    module: Path
    old_module: Path


@pytest.fixture(scope="session")
def torch_files(tmp_path_factory: pytest.TempPathFactory) -> TorchFiles:
    """One honest file of each kind that torch writes."""
    import torch

    folder = tmp_path_factory.mktemp("torch")
    names = ("model.pt2", "script.pt", "weights.pt", "old.pth", "checkpoint.pt", "module.pt", "old_module.pt")
    files = TorchFiles(*(folder / name for name in names))
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)).eval()
    example = torch.rand(3, 4)
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    torch.export.save(torch.export.export(model, (example,), dynamic_shapes=shapes), files.program)
    torch.jit.save(torch.jit.trace(model, example), files.script)
    torch.save(model.state_dict(), files.weights)
    torch.save(model.state_dict(), files.old_weights, _use_new_zipfile_serialization=False)
    extras = {"half": torch.rand(2).half(), "size": torch.Size([1]), "p": torch.nn.Parameter(torch.rand(2))}
    torch.save({"state_dict": model.state_dict(), "epoch": 3, "ids": {1, 2}, **extras}, files.checkpoint)
    torch.save(model, files.module)
    torch.save(model, files.old_module, _use_new_zipfile_serialization=False)
    return files
