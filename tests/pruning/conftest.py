from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from core.graphs.torch.modules import exported_module, quiet_torch
from tests.pruning.networks import NETWORKS


@dataclass(frozen=True)
class Network:
    """One network, exported."""

    module: Any
    shape: tuple[int, ...]
    onnx: Path

    def example(self, batch: int = 2) -> torch.Tensor:
        return torch.randn(batch, *self.shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session", params=NETWORKS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    kind, shape = NETWORKS[request.param]
    torch.manual_seed(0)
    made, path = kind().eval(), tmp_path_factory.mktemp(request.param) / "m.onnx"
    example = (torch.randn(2, *shape),)
    with quiet_torch():
        program = torch.export.export(made, example, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
        axes = {"x": {0: "b"}, "y": {0: "b"}}
        torch.onnx.export(
            made, example, str(path), dynamo=False, opset_version=14, input_names=["x"], output_names=["y"],
            dynamic_axes=axes,
        )  # fmt: skip
    return Network(exported_module(program), shape, path)
