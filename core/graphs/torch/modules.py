"""PyTorch modules: load them, name their outputs, trace them as they run."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core.domain.model import SourceModel
from core.errors import UnsupportedModel
from core.protocols import LocalArtifact

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram


NETWORK_LIBRARIES = ("timm", "torchvision")
"""Families of `core.architectures` that are libraries; importing one takes seconds and 200 MB."""
LOADERS = {
    "pt2": (
        "torch.export.pt2_archive._package",
        "torch._export.serde.serialize",
        "torch.export._trace",
        "torch.ao.quantization.fx._decomposed",
        "torch._inductor.sizevars",
        "torch.fx.experimental.validator",
        "sympy.tensor.tensor",
    ),
    "state_dict": ("safetensors.torch", "core.architectures"),
}
"""What opening a format imports besides torch; names of torch's own modules that may come and go."""
NORM_MEAN, NORM_TRAINS = 3, 5
"""Positions of the running mean and of the flag for training among the arguments of ``aten.batch_norm``."""


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Run without gradients, without PyTorch's warnings and with attention in plain operators.

    The fused attention of `nn.TransformerEncoder` can neither be traced nor counted.
    """
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def open_module(artifact: LocalArtifact, model: SourceModel) -> nn.Module:
    """Return the network of `artifact` in eval mode.

    Its forward takes one tensor per input, by position in the order of `model.inputs`, and returns
    whatever the network returns; see `flatten`.

    Args:
        artifact: Of format ``state_dict``, ``pt2``, ``torchscript`` or ``onnx``, checked at its upload.
        model: For a state dict, `model.architecture` says which network to build.

    Raises:
        UnsupportedModel: The format is none of these, the weights do not fit the architecture, or an ONNX
            file has operators that cannot be converted.
    """
    with quiet_torch():
        if artifact.format == "state_dict":
            return open_state_dict(artifact.path, model.architecture or {})
        if artifact.format == "pt2":
            return exported_module(load_exported(artifact.path))
        if artifact.format == "torchscript":
            return open_script(artifact.path)
        if artifact.format == "onnx":
            from core.graphs.torch.from_onnx.network import open_onnx

            return open_onnx(artifact.path, [spec.name for spec in model.inputs])
    raise UnsupportedModel(f"A model of format {artifact.format!r} cannot be opened with PyTorch.")


def network_library(format: str, model: SourceModel) -> str:
    """Return the library that defines a network of `format`; empty where the file does."""
    family = str((model.architecture or {}).get("family"))
    return family if format == "state_dict" and family in NETWORK_LIBRARIES else ""


def import_network(format: str, library: str) -> None:
    """Import what opening a network of `format` imports, so that the network alone counts as loaded."""
    for name in (*LOADERS.get(format, ()), *([library] if library else ())):
        with suppress(ImportError):  # opening says so in words of its own
            importlib.import_module(name)


def open_state_dict(path: Path, description: Mapping[str, Any]) -> nn.Module:
    """Return the described architecture with the weights of a safetensors file, in eval mode."""
    from safetensors.torch import load_file

    from core.architectures import Architecture, load

    return load(msgspec.convert(dict(description), Architecture), load_file(str(path))).eval()


def open_script(path: Path) -> nn.Module:
    """Return a TorchScript module on the CPU, in eval mode."""
    import torch

    module: nn.Module = torch.jit.load(str(path), map_location="cpu")
    return module.eval()


def load_exported(path: Path) -> ExportedProgram:
    """Return the program of a torch.export archive; the archive must have been checked before."""
    import torch

    integer_operators()
    return torch.export.load(str(path))


def open_package(path: Path) -> Any:
    """Return the compiled model of an AOTInductor package; called like a module.

    As `torch._inductor.aoti_load_package` does where no compiler is installed: where one is, it starts that
    to name the processor's vectors in a warning. It takes inputs of any shape, and reads beyond their ends.
    """
    import torch
    from torch.export.pt2_archive._package import AOTICompiledModel

    # Name of the model in the package, not on one thread alone, one instance, the default device.
    return AOTICompiledModel(torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1))


def integer_operators() -> Any:
    """Return PyTorch's operators of quantized programs; only their import makes them known to it."""
    import torch
    import torch.ao.quantization.fx._decomposed

    return torch.ops.quantized_decomposed


def is_quantized(module: nn.Module) -> bool:
    """Whether `module` is an exported program with weights or activations in integers."""
    from torch.fx import GraphModule

    nodes = module.graph.nodes if isinstance(module, GraphModule) else ()
    return any("quantized_decomposed" in str(node.target) for node in nodes)


def exported_module(program: ExportedProgram) -> nn.Module:
    """Return the program as a module that computes what inference computes.

    Exported modules refuse `eval()` because their mode is baked into operators; here dropout and batch
    norm are switched to inference in the graph, and `eval()` and `train()` change nothing.
    """
    module: Any = program.module()
    for node, position in training_operators(module.graph):
        node.update_arg(position, False)
    module.recompile()
    module.training = False
    module.eval = lambda: module
    module.train = lambda mode=True: module  # noqa: ARG005
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    inferring: nn.Module = module
    return inferring


def training_operators(graph: Any) -> list[tuple[Any, int]]:
    """Return the dropout and batch norm nodes of an exported graph that train, with the flag's position.

    A batch norm without running statistics, as weight standardization has, always takes those of its input.
    """
    import torch

    norm = torch.ops.aten.batch_norm.default
    flags = {torch.ops.aten.dropout.default: 2, torch.ops.aten.feature_dropout.default: 2, norm: NORM_TRAINS}
    found = ((node, flags.get(node.target)) for node in graph.nodes if node.op == "call_function")
    return [
        (node, at)
        for node, at in found
        if at is not None and len(node.args) > at and node.args[at] is True
        if node.target is not norm or node.args[NORM_MEAN] is not None
    ]


def flatten(outputs: Any) -> list[Tensor]:
    """Return the tensors of nested tuples, lists, dicts and dataclasses, in order."""
    return [tensor for _, tensor in named_tensors(outputs)]


def named_tensors(outputs: Any, name: str = "") -> list[tuple[str, Tensor]]:
    """Return the tensors of `outputs` with names such as ``output``, ``output_1`` or ``logits``."""
    import torch

    if isinstance(outputs, torch.Tensor):
        return [(name or "output", outputs)]
    if isinstance(outputs, Mapping):
        items = [(str(key), value) for key, value in outputs.items()]
    elif is_dataclass(outputs) and not isinstance(outputs, type):
        items = [(field.name, getattr(outputs, field.name)) for field in fields(outputs)]
    elif isinstance(outputs, (tuple, list)):
        items = [(f"{name or 'output'}_{index}", value) for index, value in enumerate(outputs)]
        return [pair for key, value in items for pair in named_tensors(value, key)]
    else:
        return []
    return [pair for key, value in items for pair in named_tensors(value, f"{name}_{key}" if name else key)]
