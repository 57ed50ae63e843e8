from __future__ import annotations

import torch

from core.graphs.torch.modules import exported_module
from core.passes.conversion.scriptable import scriptable


class Folding(torch.nn.Module):
    """Computes with its batch size: a trace would keep the example's."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.reshape(x.shape[0] * 2, -1), x.mean() * x.shape[0]


def test_sizes_stay_free() -> None:
    program = torch.export.export(
        Folding(), (torch.ones(2, 4),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    script = torch.jit.script(scriptable(exported_module(program)))
    folded, total = script(torch.ones(5, 4))
    assert folded.shape == (10, 2)
    assert float(total) == 5.0
