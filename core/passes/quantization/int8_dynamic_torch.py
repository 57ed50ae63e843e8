"""Dynamic INT8 for PyTorch, as an exported program of plain operators and integer tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed
from core.graphs.torch.modules import open_module
from core.params import setting
from core.passes.library_errors import library
from core.passes.quantization.heavy_products import require_products
from core.passes.quantization.int8_findings import int8_findings
from core.passes.torch_calls import answers, rewritten
from core.protocols import Idea, LocalArtifact, Pass, PassContext
from core.pruning.torch.channels import value
from core.pruning.torch.operands import argument, kind

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

HINT = "Try dynamic INT8 on ONNX Runtime, or BF16."
TOP = 127
TINY = 1e-12


@dataclass(frozen=True)
class Int8DynamicTorchParams:
    """What to leave as it is."""

    smallest: int = setting(
        4096,
        "Smallest layer",
        unit="weights",
        help="Linear layers with fewer weights stay in float: scaling their inputs costs more than it gains.",
        low=1,
        high=10_000_000,
    )


class Int8DynamicTorch(Pass):
    """Symmetric weights with a scale per output; each row of activations is scaled as it comes.

    The products are PyTorch's own of 8-bit integers, so ``torch.export`` saves the graph like any other. The
    packed weights of ``torch.ao.quantization`` are objects that only a pickle can hold.
    """

    id = "int8_dynamic_torch"
    name = "INT8 dynamic, PyTorch"
    summary = "Stores linear layers in 8 bits and multiplies integers in PyTorch itself; needs no data."
    learn = Learn(
        does="Linear layers store 8-bit weights and multiply integers within PyTorch itself; each row of "
        "the activations is scaled as it comes.",
        costs="Little accuracy, and the time to scale rows at each call. Layers other than linear ones "
        "stay as they are.",
        choose="When the model has to stay in PyTorch and its time is in linear layers. ONNX Runtime or "
        "OpenVINO are usually faster where you can leave PyTorch.",
        expect="2 to 3 times faster on wide linear layers with VNNI, little on narrow ones; up to a quarter "
        "of the size",
        picture=Picture.LEVELS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    on_source = True
    Params = Int8DynamicTorchParams
    produces: ClassVar[dict[str, str]] = {"pt2": "pt2"}
    libraries = ("torch",)
    build_s = (4.0, 1.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself for what multiplies matrices and comes from PyTorch."""
        if not model.sees_images and model.format != "onnx":
            yield Idea(2, 275, "pytorch", (Step(self.id),))

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return why INT8 is as fast as it is."""
        return int8_findings(details, result)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: Int8DynamicTorchParams
    ) -> LocalArtifact:
        """Put integer products in the place of linear layers, export, compare.

        Raises:
            PassNotApplicable: Linear layers hold few of the weights.
            PassFailed: The new program does not run as the old one does.
        """
        with library("Dynamic INT8", context.folder, HINT):
            module: Any = open_module(artifact, context.model)
            before = answers(module, context)
            linear = [node for node in module.graph.nodes if _is_linear(node)]
            large = [node for node in linear if _weight(module, node).numel() >= params.smallest]
            held = sum(_weight(module, node).nbytes for node in large)
            require_products(held, sum(each.nbytes for each in module.state_dict().values()))
            for node in large:
                _replace(module, node)
            module.graph.eliminate_dead_code()
            module.delete_all_unused_submodules()
            module.recompile()
            details = {"quantized": len(large), "float": len(linear) - len(large)}
            return rewritten(module, before, artifact, context, details, HINT)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Int8DynamicTorchParams) -> None:
        """Check that layers are in 8 bits.

        Raises:
            PassFailed: None is.
        """
        if not after.details["quantized"]:
            raise PassFailed("Not one linear layer was quantized.", hint=HINT)


def _is_linear(node: Any) -> bool:
    return (
        node.op == "call_function"
        and kind(node) == "linear"
        and argument(node, "weight").op == "get_attr"
        and len(argument(node, "weight").users) == 1
    )


def _weight(module: GraphModule, node: Any) -> Tensor:
    found: Tensor = value(module, str(argument(node, "weight").target)).detach()
    return found


def _replace(module: GraphModule, node: Any) -> None:
    """Put a product of integers in the place of a linear layer."""
    weight, graph = _weight(module, node), module.graph
    scale = weight.abs().amax(1).clamp(min=TINY) / TOP
    # Laid out with outputs last, as the product takes it.
    whole = (weight / scale[:, None]).round().to(dtype=_int8()).t().contiguous()
    target = str(argument(node, "weight").target)
    *path, last = target.split(".")
    owner = module.get_submodule(".".join(path))
    with graph.inserting_before(node):
        taken = []
        for name, tensor in ((f"{last}_int8", whole), (f"{last}_scale", scale)):
            owner.register_buffer(name, tensor)
            taken.append(graph.get_attr(".".join([*path, name])))
        made = graph.call_function(_product, (argument(node, "input"), *taken, argument(node, "bias")))
    old = argument(node, "weight")
    node.replace_all_uses_with(made)
    graph.erase_node(node)
    graph.erase_node(old)
    delattr(owner, last)


def _int8() -> Any:
    import torch

    return torch.int8


def _product(x: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None) -> Tensor:
    """Return the linear layer of `x` (..., in), computed in integers; the export sees its operators."""
    import torch

    rows = x.reshape(-1, x.shape[-1])
    step = rows.abs().amax(1, keepdim=True).clamp(min=TINY) / TOP
    whole = (rows / step).round().to(torch.int8)
    answer = torch._int_mm(whole, weight).to(x.dtype) * step * scale
    answer = answer.reshape(*x.shape[:-1], weight.shape[1])
    return answer if bias is None else answer + bias


PASS = Int8DynamicTorch()
