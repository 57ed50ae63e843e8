from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from core.graphs.torch.modules import exported_module, quiet_torch
from core.pruning.torch.taylor import sensitivities
from tests.passes import zoo


def test_what_the_outputs_do_not_depend_on_is_worth_nothing() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    with torch.no_grad():
        network[2].weight[:, 2] = 0
    with quiet_torch():
        module = exported_module(torch.export.export(network, (torch.randn(8, 4),)))
    model = zoo.source({"x": ("float32", ("b", 4))}, {"y": ("float32", ("b", 3))}, "pt2")
    model = replace(model, task="tabular-classification")
    names = [name for name, each in module.named_parameters() if each.ndim == 2]
    rows = [({"x": np.random.default_rng(at).random((8, 4), np.float32)}, None) for at in range(2)]
    found = sensitivities(module, names, rows, model)
    rated = found["0.weight"].sum(1)
    assert rated[2] == 0
    assert rated.sum() > 0
    assert not any(each.requires_grad for each in module.parameters())
