from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.domain.model import SourceModel
from core.protocols import Inspection, InspectOptions
from core.sources.inspect import inspect_upload

Inspect = Callable[..., SourceModel]


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Inspection]:
    """Inspect a file in a folder of its own."""

    def inspect(path: Path, **options: Any) -> Inspection:
        return inspect_upload(path, tmp_path / "job", InspectOptions(**options))

    return inspect


def classifier(
    opset: int = 17,
    shape: Sequence[int | str | None] = ("N", 3, 32, 32),
    ir: int = 8,
    listed: bool = False,
    output: Sequence[int | str | None] = ("N", 5),
) -> Any:
    """Return a convolution, a global average and a linear layer as an ONNX model."""
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(0)
    arrays = {
        "kernel": generator.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "weight": generator.standard_normal((4, 5)).astype(np.float32),
        "bias": np.zeros(5, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    if listed:
        inputs += [helper.make_tensor_value_info(k, TensorProto.FLOAT, v.shape) for k, v in arrays.items()]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, output)]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "net", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def save(model: Any, path: Path, **options: Any) -> Path:
    """Write an ONNX model and return its path."""
    import onnx

    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path), **options)
    return path


@pytest.fixture(scope="session")
def network() -> Any:
    """A small PyTorch classifier of images."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 10)
    ).eval()


@pytest.fixture(scope="session")
def text_network() -> Any:
    """A PyTorch classifier of token ids with a mask."""
    import torch
    from torch import Tensor, nn

    class Text(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(50, 8)
            self.places = nn.Embedding(40, 8)
            self.head = nn.Linear(8, 3)

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            places = self.places(torch.arange(input_ids.shape[1]))
            return self.head(((self.words(input_ids) + places) * attention_mask[..., None]).mean(1))

    return Text().eval()


@pytest.fixture(scope="session")
def pt2_folder(tmp_path_factory: pytest.TempPathFactory, network: Any, text_network: Any) -> Path:
    """Programs of torch.export: ``image``, ``text``, ``training``, ``fixed`` and several ways of calling."""
    import torch
    from torch import Tensor, nn
    from torch.export import Dim, export
    from torch.utils import _pytree

    class Scaled(nn.Module):
        def forward(self, x: Tensor, factor: int = 2) -> Tensor:
            return x * factor

    class Nested(nn.Module):
        def forward(self, batch: dict[str, Tensor], mask: Tensor | None = None) -> Tensor:
            del mask
            return text_network(batch["ids"], batch["mask"])

    @dataclass
    class Scores:
        logits: Tensor
        probabilities: Tensor

    class Foreign(nn.Module):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Scores:
            logits = text_network(input_ids, attention_mask)
            return Scores(logits, logits.softmax(-1))

    torch.export.register_dataclass(Scores, serialized_type_name="elsewhere.Scores")
    folder = tmp_path_factory.mktemp("pt2")
    batch, words = Dim("batch", min=1, max=64), Dim("words", min=2, max=40)
    image, ids, mask = torch.zeros(2, 3, 32, 32), torch.zeros(2, 7, dtype=torch.long), torch.ones(2, 7)
    both = {0: batch, 1: words}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        programs = {
            "image": export(network, (image,), dynamic_shapes=({0: batch},)),
            "fixed": export(network, (image,)),
            "text": export(text_network, (ids, mask), dynamic_shapes=(both, both)),
            "training": export(network.train(), (image,), dynamic_shapes=({0: batch},)),
            "keyword": export(text_network, (ids,), {"attention_mask": mask}),
            "number": export(Scaled(), (image, 3)),
            "nested": export(Nested(), ({"ids": ids, "mask": mask}, None)),
            "foreign": export(Foreign(), (), {"input_ids": ids, "attention_mask": mask}),
        }
        network.eval()
        for name, program in programs.items():
            torch.export.save(program, folder / f"{name}.pt2")
    _pytree._deregister_pytree_node(Scores)
    return folder


@pytest.fixture(scope="session")
def script_folder(tmp_path_factory: pytest.TempPathFactory, network: Any, text_network: Any) -> Path:
    """TorchScript files: ``image``, ``text``, ``frozen`` and ``listed``, which takes a list."""
    import torch
    from torch import Tensor, nn

    class Listed(nn.Module):
        def forward(self, images: list[Tensor]) -> Tensor:
            return images[0]

    folder = tmp_path_factory.mktemp("script")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        modules = {
            "image": torch.jit.script(network),
            "text": torch.jit.script(text_network),
            "frozen": torch.jit.freeze(torch.jit.script(network)),
            "listed": torch.jit.script(Listed()),
        }
        for name, module in modules.items():
            torch.jit.save(module, str(folder / f"{name}.pt"))
    return folder
