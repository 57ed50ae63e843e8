"""Networks that compute as an INT8 runtime will while they learn: fake quantization with learned steps.

Weights are rounded to 8 bits around 0 with one scale per output channel; activations with one learned step
each (LSQ, Esser et al. 2020, arXiv 1902.08153), from 0 up where nothing below was seen, else around 0: the
pairs that processors multiply fastest. Gradients pass straight through the rounding. Batch norms behind
convolutions are folded into these first, as runtimes do, and others keep their statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import PassFailed, PassNotApplicable
from core.graphs.torch.modules import integer_operators
from core.passes.checks import differences, require_finite
from core.passes.conversion.export_pt2 import TOLERANCE
from core.passes.torch_calls import answers, exported, saved
from core.passes.training.folded_norms import fold_norms, put, tidy
from core.passes.training.network import HINT, Network
from core.passes.training.quantization_points import IMAGE_RANK, quantization_points, rank
from core.protocols import LocalArtifact, PassContext
from core.pruning.torch.channels import value
from core.pruning.torch.operands import argument, replace

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram

BATCHES, ROWS = 8, 32
"""That the first ranges are taken from."""
SAMPLED = 2**12
"""Values of a tensor that are looked at in each batch."""
TRIED, SMALLER = 24, 0.8
"""First ranges that are tried: the largest value, and each a fifth less."""
SPEED = 10.0
"""Of the logarithm of a step, in rates of the weights: ranges may move by factors in some hundred steps."""
TOP, LEVELS = 127, 255
TINY = 1e-8


@dataclass
class _Range:
    """One range, of the tensors that share it.

    Attributes:
        name: Of the parameter that holds the logarithm of its step, divided by `SPEED`.
        tensors: Nodes before the rounding.
        zero: Integer that stands for 0.
        rounded: Nodes of the rounding.
    """

    name: str
    tensors: list[Any]
    zero: int
    rounded: list[Any]


class FakeQuantized(Network):
    """A network whose convolutions and linear layers compute with rounded weights and inputs.

    Args:
        program: That of the network.

    Raises:
        PassNotApplicable: It has no such layer with weights of its own.
    """

    def __init__(self, program: ExportedProgram) -> None:
        super().__init__(program)
        fold_norms(self.module)
        self.norms = []
        points = quantization_points(self.module)
        if not points.layers:
            raise PassNotApplicable(
                "The network has no convolution and no linear layer with FP32 weights of its own.",
                hint="Leave this out, and try BF16 or plain conversion.",
            )
        self._layers, self._groups = points.layers, points.groups
        self._ranges: list[_Range] = []
        self._weights: list[Any] = []

    def calibrate(self, context: PassContext) -> None:
        """Put rounding in, with the ranges that round some rows with the least squared error."""
        assert context.training is not None
        rows = context.training.rows
        feeds = islice(rows.batches(min(ROWS, rows.samples), context.seed), BATCHES)
        self.round_to([self.tensors(feed, context) for feed, _ in feeds])
        self.parameters = [each for each in self.module.parameters() if each.is_floating_point()]
        for each in self.parameters:
            each.requires_grad_(True)

    def round_to(self, batches: list[list[Tensor]]) -> None:
        """Put rounding in, with the ranges that round what these batches give with the least squared "
        "error."""
        seen = self._seen(batches)
        for number, group in enumerate(self._groups):
            step, zero = first_range([each for node in group for each in seen[node]])
            self._ranges.append(self._rounded_inputs(f"input_step_{number}", group, step, zero))
        for node in self._layers:
            with self.module.graph.inserting_before(node):
                made = self.module.graph.call_function(rounded_weights, (argument(node, "weight"),))
            replace(node, "weight", made)
            self._weights.append(made)
        self.module.recompile()

    def _seen(self, batches: list[list[Tensor]]) -> dict[Any, list[Tensor]]:
        """Return some values of all tensors that are to be rounded, with the extremes of each batch."""
        import torch

        generator = torch.Generator().manual_seed(0)
        found: dict[Any, list[Tensor]] = {node: [] for group in self._groups for node in group}

        class Watcher(torch.fx.Interpreter):
            def run_node(self, node: Any) -> Any:
                answer = super().run_node(node)
                if node in found:
                    flat = answer.detach().float().flatten()
                    chosen = torch.randint(len(flat), (SAMPLED,), generator=generator)
                    found[node].append(torch.cat([flat[chosen], *(each[None] for each in flat.aminmax())]))
                return answer

        with torch.no_grad():
            for each in batches:
                Watcher(self.module).run(*each)
        return found

    def _rounded_inputs(self, name: str, group: list[Any], step: float, zero: int) -> _Range:
        import torch

        graph, rounded = self.module.graph, []
        put(self.module, name, torch.nn.Parameter(torch.tensor([log(step) / SPEED])))
        for node in group:
            after = node if node.op != "placeholder" else _last_input(graph)
            readers = list(node.users) if rank(node) == IMAGE_RANK else self._heavy_readers(node)
            with graph.inserting_after(after):
                held = graph.get_attr(name)
            with graph.inserting_after(held):
                made = graph.call_function(rounded_inputs, (node, held, zero))
            made.meta = dict(node.meta)
            for reader in readers:
                if reader.op != "output":
                    reader.replace_input_with(node, made)
            rounded.append(made)
        return _Range(name, group, zero, rounded)

    def _heavy_readers(self, node: Any) -> list[Any]:
        """Return the readers of a tensor that lead to layers in 8 bits."""
        heavy = set(self._layers)
        return [each for each in node.users if each in heavy or heavy & set(each.users)]

    def save(self, context: PassContext, options: dict[str, Any], details: dict[str, Any]) -> LocalArtifact:
        """Write the network with integer weights, and the learned ranges as pairs of operators.

        Raises:
            PassFailed: What was written does not compute what was learned.
        """
        import torch

        self.infer()
        learned = answers(self.module, context)
        for each in self._ranges:
            self._fix_range(each)
        for number, node in enumerate(self._weights):
            self._fix_weight(f"weight_int8_{number}", node)
        tidy(self.module)
        self.module.to(memory_format=torch.contiguous_format)
        for each in self.module.parameters():
            each.requires_grad_(False)
        expected = answers(self.module, context)
        for ours, theirs in zip(expected, learned, strict=True):
            require_finite(ours, theirs, HINT)
        path, found = saved(exported(self.module, context), context)
        if not differences(zip(expected, found, strict=True))["difference"] <= TOLERANCE:
            raise PassFailed("The saved program does not compute what was learned.", hint=HINT)
        about = {"quantized": len(self._layers), "ranges": len(self._ranges)}
        return LocalArtifact("pt2", path, (path,), options, details | about)

    def _fix_range(self, found: _Range) -> None:
        import torch

        operators = integer_operators()
        step = float((value(self.module, found.name).detach() * SPEED).exp())
        told = (step, found.zero, 0, LEVELS, torch.uint8)
        for node in found.rounded:
            with self.module.graph.inserting_before(node):
                whole = self.module.graph.call_function(
                    operators.quantize_per_tensor.default, (node.args[0], *told)
                )
                back = self.module.graph.call_function(
                    operators.dequantize_per_tensor.default, (whole, *told)
                )
            node.replace_all_uses_with(back)
            self.module.graph.erase_node(node)

    def _fix_weight(self, name: str, node: Any) -> None:
        import torch

        held = value(self.module, str(node.args[0].target)).detach()
        scale = weight_scale(held)
        shape = (-1,) + (1,) * (held.ndim - 1)
        whole = (held / scale.reshape(shape)).round().clamp(-TOP, TOP).to(torch.int8).contiguous()
        zero = torch.zeros(len(scale), dtype=torch.int64)
        graph, taken = self.module.graph, []
        with graph.inserting_before(node):
            for suffix, tensor in (("", whole), ("_scale", scale), ("_zero", zero)):
                put(self.module, name + suffix, tensor)
                taken.append(graph.get_attr(name + suffix))
            back = graph.call_function(
                integer_operators().dequantize_per_channel.default, (*taken, 0, -TOP, TOP, torch.int8)
            )
        node.replace_all_uses_with(back)
        graph.erase_node(node)


def _last_input(graph: Any) -> Any:
    return [node for node in graph.nodes if node.op == "placeholder"][-1]


def first_range(seen: list[Tensor]) -> tuple[float, int]:
    """Return the step of least squared error for these values, and the integer that stands for 0."""
    import torch

    values = torch.cat(seen).numpy()
    zero = (LEVELS + 1) // 2 if values.min() < 0 else 0
    most = max(float(np.abs(values).max()), TINY) / (LEVELS - zero)
    tried = [most * SMALLER**power for power in range(TRIED)]

    def error(step: float) -> float:
        whole = np.clip(np.rint(values / np.float32(step)), -zero, LEVELS - zero)
        return float(np.square(whole * np.float32(step) - values).mean())

    return min(tried, key=error), zero


def rounded_inputs(values: Tensor, held: Tensor, zero: int) -> Tensor:
    """Return values rounded to 8 bits; `held` is the logarithm of the step divided by `SPEED`, (1,)."""
    import torch

    share = 1 / sqrt(max(1, values[:1].numel()) * LEVELS)
    offset = torch.full((1,), float(zero))
    rounded = torch._fake_quantize_learnable_per_tensor_affine(
        values.float(), (held * SPEED).exp(), offset, 0, LEVELS, share
    )
    return rounded.to(values.dtype)


def weight_scale(weight: Tensor) -> Tensor:
    """Return the scale of each output channel, (outputs,), that its largest weight just fits."""
    return weight.detach().float().abs().flatten(1).amax(1).clamp_min(TINY) / TOP


def rounded_weights(weight: Tensor) -> Tensor:
    """Return weights rounded to 8 bits around 0, with one scale for each output channel."""
    import torch

    scale = weight_scale(weight)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -TOP, TOP)
