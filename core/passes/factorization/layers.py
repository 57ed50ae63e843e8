"""Layers of an exported program that can be split in two, timed alone both ways, and split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.model import TensorSpec
from core.errors import PassNotApplicable
from core.graphs.onnx import files as onnx_files
from core.graphs.torch.modules import open_module, quiet_torch
from core.passes.checks import EXAMPLE_BATCH
from core.passes.factorization.low_rank import Factors, channel_factors, spatial_factors
from core.passes.latency import rough_times
from core.passes.torch_calls import answers, arguments, rewritten
from core.protocols import Array, LocalArtifact, PassContext
from core.pruning.torch.channels import parameters, value
from core.pruning.torch.operands import argument, kind
from core.registry import get_runtime

if TYPE_CHECKING:
    from torch.fx import GraphModule

HINT = "Allow more lost energy, or prune channels instead."
LEAST_GAIN = 0.05
"""Of a layer's own time: less is noise."""
WORTH_TIMING = 0.85
"""Of a layer's operations at most: with more no factorization was ever faster."""


@dataclass(frozen=True)
class Layer:
    """A node that can be split.

    Attributes:
        node: Of the graph.
        name: Of the module that holds the weight.
        weight: (out, in, ...), as the node takes it.
        geometry: Stride, padding and dilation of a convolution by axis; empty for a linear layer.
        shape: Of its input at batch 1.
        positions: At which it computes, such as the pixels of its output at batch 1.
    """

    node: Any
    name: str
    weight: Array
    geometry: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    positions: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates at batch 1."""
        return prod(self.weight.shape) * self.positions


@dataclass(frozen=True)
class Split:
    """A layer in two.

    Attributes:
        layer: As it was.
        factors: The two weights.
        geometries: Stride, padding and dilation of each.
    """

    layer: Layer
    factors: Factors
    geometries: tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]

    @property
    def macs(self) -> int:
        """Multiply-accumulates at batch 1; those of a column of kernels before the stride of the row."""
        stride = self.geometries[1][0][-1] if self.geometries[1] else 1
        first = prod(self.factors.first.shape) * self.layer.positions * stride
        return first + prod(self.factors.second.shape) * self.layer.positions


def factorize(context: PassContext, artifact: LocalArtifact, energy: float, work: Path) -> LocalArtifact:
    """Return the program with layers split where that is faster.

    Raises:
        PassNotApplicable: There is none.
        PassFailed: The new program does not run as the old one does.
    """
    module: Any = open_module(artifact, context.model)
    before = answers(module, context)
    weights_before = parameters(module)
    found = list(_layers(module, arguments(context, EXAMPLE_BATCH)))
    thinner = [split for layer in found if (split := _best(layer, energy)) is not None]
    timed = context.target is not None and "onnx" in get_runtime(context.target.runtime_id).formats
    faster = [each for each in thinner if not timed or _gains(context, each, work)]
    if not faster:
        raise PassNotApplicable(_why(len(found), len(thinner), energy), hint=HINT)
    for each in faster:
        _replace(module, each)
    module.graph.eliminate_dead_code()
    module.recompile()
    details = {
        "layers": len(found),
        "factorized": [each.layer.name for each in faster],
        "ranks": [each.factors.rank for each in faster],
        "judged_by": "on the target" if timed else "by their operations",
        "parameters_before": weights_before,
        "parameters": parameters(module),
    }
    return rewritten(module, before, artifact, context, details, HINT)


def _why(layers: int, thinner: int, energy: float) -> str:
    if not thinner:
        return f"None of {layers} layers has so low a rank that two would compute less and keep {energy:.0%}."
    return f"{thinner} of {layers} layers would compute less as two, but none is faster so on the target."


def _layers(module: GraphModule, example: tuple[Any, ...]) -> Iterator[Layer]:
    import torch

    shapes: dict[Any, tuple[int, ...]] = {}

    class Watcher(torch.fx.Interpreter):
        def run_node(self, node: Any) -> Any:
            answer = super().run_node(node)
            if isinstance(answer, torch.Tensor):
                shapes[node] = tuple(answer.shape)
            return answer

    with quiet_torch():
        Watcher(module).run(*example)
    rows = example[0].shape[0]
    for node in module.graph.nodes:
        name = kind(node) if node.op == "call_function" else ""
        if name not in ("linear", "conv2d") or argument(node, "groups", 1) != 1:
            continue
        source, weight = argument(node, "input"), argument(node, "weight")
        alone = weight.op == "get_attr" and len(weight.users) == 1
        geometry = (
            tuple(argument(node, each) for each in ("stride", "padding", "dilation"))
            if name == "conv2d"
            else ()
        )
        if not alone or any(isinstance(each, str) for each in geometry) or shapes[source][0] != rows:
            continue
        pairs = tuple(_pair(each) for each in geometry)
        array = value(module, str(weight.target)).detach().numpy()
        positions = prod(shapes[node]) // rows // array.shape[0]
        yield Layer(
            node, str(weight.target).rpartition(".")[0], array, pairs, (1, *shapes[source][1:]), positions
        )


def _pair(given: Any) -> tuple[int, ...]:
    found = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    return found * 2 if len(found) == 1 else found


def _best(layer: Layer, energy: float) -> Split | None:
    """Return the split with the fewest operations, or None where none has clearly fewer than the layer."""
    plain = ((1, 1), (0, 0), (1, 1))
    ends = (layer.geometry, plain) if layer.geometry else ((), ())
    options = [Split(layer, channel_factors(layer.weight, energy), ends)]
    if layer.geometry and min(layer.weight.shape[2:]) > 1:
        column = tuple((each[0], neutral[1]) for each, neutral in zip(layer.geometry, plain, strict=True))
        row = tuple((neutral[0], each[1]) for each, neutral in zip(layer.geometry, plain, strict=True))
        options.append(Split(layer, spatial_factors(layer.weight, energy), (column, row)))
    best = min(options, key=lambda each: each.macs)
    return best if best.macs < WORTH_TIMING * layer.macs else None


def _gains(context: PassContext, split: Split, work: Path) -> bool:
    """Whether a layer alone is faster in two on the target, by more than the measurement's spread."""
    shape = split.layer.shape
    whole = _graph([(split.layer.weight, split.layer.geometry)], shape, work / "whole.onnx")
    weights = (split.factors.first, split.factors.second)
    two = _graph(list(zip(weights, split.geometries, strict=True)), shape, work / "two.onnx")
    specs = (TensorSpec("x", "float32", shape),)
    model = replace(context.model, inputs=specs, outputs=(), symbols={}, batch_symbol=None)
    time = rough_times([whole, two], replace(context, model=model))[1]
    return time.ratio + 2 * time.spread < 1 - LEAST_GAIN


def _graph(layers: list[tuple[Array, Any]], shape: tuple[int, ...], path: Path) -> LocalArtifact:
    from onnx import TensorProto, helper, numpy_helper

    nodes, held, last = [], [], "x"
    for at, (weight, geometry) in enumerate(layers):
        array = weight if geometry else weight.T.copy()
        held.append(numpy_helper.from_array(array, f"w{at}"))
        told = {}
        if geometry:
            stride, padding, dilation = geometry
            told = {"strides": stride, "pads": (*padding, *padding), "dilations": dilation}
        nodes.append(helper.make_node("Conv" if geometry else "MatMul", [last, f"w{at}"], [f"y{at}"], **told))
        last = f"y{at}"
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
        for name, size in (("x", shape), (last, None))
    ]
    graph = helper.make_graph(nodes, "layer", ends[:1], ends[1:], held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    files = onnx_files.save(made, path)
    return LocalArtifact("onnx", files[0], files)


def _replace(module: GraphModule, split: Split) -> None:
    """Put two nodes in the place of one; the bias goes with the second."""
    import torch

    node, graph = split.layer.node, module.graph
    source, weight, bias = (argument(node, name) for name in ("input", "weight", "bias"))
    *path, last = str(weight.target).split(".")
    owner = module.get_submodule(".".join(path))
    answer = source
    with graph.inserting_before(node):
        for at, array in enumerate((split.factors.first, split.factors.second)):
            name = f"{last}_{'first' if at == 0 else 'second'}"
            held = torch.nn.Parameter(torch.from_numpy(array.copy()), requires_grad=False)
            owner.register_parameter(name, held)
            taken = graph.get_attr(".".join([*path, name]))
            geometry = [list(each) for each in split.geometries[at]]
            answer = graph.call_function(node.target, (answer, taken, bias if at else None, *geometry))
    node.replace_all_uses_with(answer)
    graph.erase_node(node)
    graph.erase_node(weight)
    delattr(owner, last)
