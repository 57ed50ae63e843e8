from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.domain.model import SourceModel
from core.errors import UnsupportedModel
from core.graphs.torch.modules import flatten, load_exported, named_tensors, open_module
from core.passes.training.network import Network
from core.protocols import LocalArtifact
from tests.factories import model


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.9), nn.Linear(144, 2)
    )


def artifact(path: Path, format_: str) -> LocalArtifact:
    return LocalArtifact(format_, path, (path,))


def same(opened: Any, network: nn.Module) -> None:
    image = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(opened(image), network.eval()(image))
    assert opened.eval() is opened
    assert not opened.training


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_program_infers_whatever_mode_it_was_exported_in(
    tmp_path: Path, network: nn.Module, mode: str
) -> None:
    network.train(mode == "train")
    program = torch.export.export(network, (torch.zeros(2, 3, 8, 8),))
    torch.export.save(program, tmp_path / "m.pt2")
    opened = open_module(artifact(tmp_path / "m.pt2", "pt2"), model())
    same(opened, network)
    assert not any(parameter.requires_grad for parameter in opened.parameters())


class Standardized(nn.Conv2d):
    """A convolution whose weights are standardized by a batch norm without running statistics."""

    def forward(self, given: Tensor) -> Tensor:
        flat = self.weight.reshape(1, self.out_channels, -1)
        weight = nn.functional.batch_norm(flat, None, None, training=True, momentum=0.0)
        return nn.functional.conv2d(given, weight.reshape_as(self.weight), self.bias)


def test_a_norm_without_running_statistics_takes_those_of_its_input(tmp_path: Path) -> None:
    network = nn.Sequential(Standardized(3, 4, 3), nn.BatchNorm2d(4)).train()
    torch.export.save(torch.export.export(network, (torch.zeros(2, 3, 8, 8),)), tmp_path / "m.pt2")
    opened = open_module(artifact(tmp_path / "m.pt2", "pt2"), model())
    same(opened, network)
    assert len(Network(load_exported(tmp_path / "m.pt2")).norms) == 1


def test_a_script(tmp_path: Path, network: nn.Module) -> None:
    torch.jit.save(torch.jit.script(network.train()), str(tmp_path / "m.pt"))
    same(open_module(artifact(tmp_path / "m.pt", "torchscript"), model("torchscript")), network)


def test_a_state_dict(tmp_path: Path) -> None:
    from dataclasses import asdict

    from safetensors.torch import save_file

    from core.architectures import identify
    from core.architectures.networks.cifar_resnet import CifarResNet

    network = CifarResNet([1, 1, 1], [4, 8, 16], 3, 7).eval()
    state = network.state_dict()
    save_file(state, str(tmp_path / "m.safetensors"))
    found = asdict(identify({key: tuple(value.shape) for key, value in state.items()}))
    source: SourceModel = model("state_dict", architecture=found)
    same(open_module(artifact(tmp_path / "m.safetensors", "state_dict"), source), network)


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="'openvino'"):
        open_module(artifact(tmp_path / "m.xml", "openvino"), model("openvino"))


@dataclass
class Boxes:
    boxes: Tensor
    count: int
    scores: Tensor | None = None


def test_nested_outputs_are_flattened_in_order() -> None:
    a, b, c = torch.zeros(1), torch.zeros(2), torch.zeros(3)
    assert [name for name, _ in named_tensors(a)] == ["output"]
    nested = {"logits": a, "states": [b, (c, 4)], "found": Boxes(b, 2)}
    assert [name for name, _ in named_tensors(nested)] == ["logits", "states_0", "states_1_0", "found_boxes"]
    assert [tensor.numel() for tensor in flatten(nested)] == [1, 2, 3, 2]
    assert [name for name, _ in named_tensors((a, b))] == ["output_0", "output_1"]
    assert flatten("nothing") == []


NEWCOMERS = """
import sys, pathlib
from dataclasses import asdict
import torch
from core.architectures import identify
from core.protocols import LocalArtifact
from core.graphs.torch.modules import import_network, network_library, open_module
from tests.factories import model
path = pathlib.Path(sys.argv[1])
from safetensors.torch import load_file
found = identify({key: tuple(value.shape) for key, value in load_file(path).items()})
described = model("state_dict", architecture=asdict(found))
artifact = LocalArtifact("state_dict", path, (path,))
assert "torchvision" not in sys.modules
import_network("state_dict", network_library("state_dict", described))
before = set(sys.modules)
open_module(artifact, described)
print(sorted(name for name in set(sys.modules) - before if name.startswith("torchvision")))
HEAVY = ("torch._dynamo", "torch._functorch", "torch._inductor", "networkx", "sympy.combinatorics")
program = pathlib.Path("sample_models/digits-resnet/model.pt2")
import_network("pt2", "")
before = set(sys.modules)
open_module(LocalArtifact("pt2", program, (program,)), model("pt2"))
print(sorted(name for name in set(sys.modules) - before if name.startswith(HEAVY)))
"""


@pytest.mark.slow
def test_a_networks_library_is_imported_before_its_memory_and_loading_are_measured(tmp_path: Path) -> None:
    import subprocess
    import sys

    from safetensors.torch import save_file
    from torchvision import models

    save_file(models.squeezenet1_1(num_classes=2).state_dict(), tmp_path / "w.safetensors")
    command = [sys.executable, "-W", "ignore", "-c", NEWCOMERS, str(tmp_path / "w.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["[]", "[]"], done.stderr
