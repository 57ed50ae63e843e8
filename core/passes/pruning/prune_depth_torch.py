"""Depth pruning of PyTorch state dicts and exported programs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import PassNotApplicable
from core.graphs.torch.modules import exported_module, flatten, open_module, quiet_torch
from core.passes.checks import EXAMPLE_BATCH, distance
from core.passes.pruning import depth
from core.passes.pruning.prune_depth_onnx import OnnxDepth
from core.passes.pruning.pruned_network import require_whole, samples
from core.passes.torch_calls import answers, arguments, exported, outputs, save, saved
from core.protocols import Array, LocalArtifact, PassContext
from core.pruning.output_error import OutputError
from core.pruning.propagation import Tracer
from core.pruning.residual_blocks import choose
from core.pruning.torch import batch_norm_statistics, channels, residual
from core.registry import get_pass, get_runtime

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

ROUNDING = 1e-4


class TorchDepth:
    """A graph of ATen operators and its blocks.

    Raises:
        PassNotApplicable: No block can be left out.
    """

    def __init__(self, context: PassContext, artifact: LocalArtifact, work: Path) -> None:
        self._context, self._work = context, work
        self.module = _opened(context, artifact)
        self.size = context.model.fixed_batch or EXAMPLE_BATCH
        self.flow = residual.dataflow(self.module, arguments(context, EXAMPLE_BATCH))
        self.blocks = depth.blocks_of(self.flow)
        self._trials = residual.Trials(self.module, self.flow, self.blocks)

    def without(self, gone: Sequence[int]) -> GraphModule:
        """Return the graph without some blocks."""
        shorter = copy.deepcopy(self.module)
        residual.remove(shorter, self.flow, [self.blocks[at] for at in gone])
        return shorter

    def saved(self, gone: Sequence[int]) -> LocalArtifact:
        """Return a file without some blocks, to be timed."""
        path = self._work / f"without-{'-'.join(map(str, gone)) or 'all'}.pt2"
        save(exported(self.without(gone), self._context), path)
        return LocalArtifact("pt2", path, (path,))

    def gains(self) -> list[float]:
        """Return the milliseconds of each block on the target, which runs exported programs or ONNX files."""
        target = self._context.target
        if target is not None and "pt2" in get_runtime(target.runtime_id).formats:
            return depth.gains(self._context, self.blocks, self.saved(()), self.saved)
        folder, export = self._work / "export", get_pass("export_onnx")
        folder.mkdir()
        context = replace(self._context, folder=folder)
        graph = OnnxDepth(context, export.run(context, self.saved(()), export.Params()).path, self._work)
        if [(each.stage, each.spare) for each in graph.blocks] != [(b.stage, b.spare) for b in self.blocks]:
            raise PassNotApplicable("The exported graph has other blocks.")
        return graph.gains(context)

    def outputs(
        self, feeds: Sequence[tuple[Tensor, ...]], gone: Sequence[int], tried: Sequence[int]
    ) -> list[list[list[Array]]]:
        """Return the outputs by feed: without `gone`, then without each of `tried` as well."""
        with quiet_torch():
            return [
                [[tensor.numpy() for tensor in answer] for answer in self._trials.outputs(feed, gone, tried)]
                for feed in feeds
            ]

    def names(self) -> list[str]:
        """Return names of the blocks for people."""
        return depth.names([residual.weight_names(self.module, block) for block in self.blocks])


def prune(context: PassContext, artifact: LocalArtifact, rule: depth.DepthRule, work: Path) -> LocalArtifact:
    """Return an exported program with fewer blocks.

    Raises:
        PassNotApplicable: No block can be left out.
        PassFailed: The shorter program does not run as the original does.
    """
    import torch

    torch.set_num_threads(context.threads)
    found = TorchDepth(context, artifact, work)
    rows = depth.batches(context, found.flow, len(found.blocks), rule.samples, found.size)
    feeds = [_tensors(feed, context) for feed in rows]
    expected = [answers[0] for answers in found.outputs(feeds, (), ())]

    def errors(gone: Sequence[int], tried: Sequence[int]) -> list[float]:
        return _errors(context, expected, [each[1:] for each in found.outputs(feeds, gone, tried)])

    def error(module: GraphModule) -> float:
        return _errors(context, expected, [[_answer(module, feed)] for feed in feeds])[0]

    gains, unit = depth.weighed(context, found.blocks, found.gains, "pt2", "onnx")
    gone = choose(found.blocks, gains, errors, rule.share, rule.blocks)
    shorter, corrected = found.without(gone), 0
    raw = error(shorter)
    if rule.refresh_norms:
        better = copy.deepcopy(shorter)
        count = _refreshed(context, found, better)
        if count and error(better) < raw:
            shorter, corrected = better, count
    path, after = saved(exported(shorter, context), context)
    for pair in zip(answers(found.module, context), after, strict=True):
        require_whole(*pair)
    left = found.flow.live({found.blocks[at].output: found.blocks[at].stream for at in gone})
    count = sum(len(next(iter(feed.values()))) for feed in rows)
    told = depth.Told(found.names(), gains, unit, gone, raw, error(shorter), corrected, count)
    weights = (channels.parameters(found.module), channels.parameters(shorter))
    details = told.details(context.model, weights, found.flow, found.size, left)
    return LocalArtifact("pt2", path, (path,), dict(artifact.options), details)


def _opened(context: PassContext, artifact: LocalArtifact) -> GraphModule:
    module: Any = open_module(artifact, context.model)
    if artifact.format == "state_dict":
        module = exported_module(exported(module, context))
    before = outputs(module, context, EXAMPLE_BATCH)
    residual.without_in_place(module)
    if not distance(before, outputs(module, context, EXAMPLE_BATCH)) <= ROUNDING:
        raise PassNotApplicable(
            "The network overwrites its own tensors, and what follows reads them under another name.",
            hint="Export it without operators that work in place.",
        )
    graph: GraphModule = module
    return graph


def _tensors(feed: dict[str, Array], context: PassContext) -> tuple[Tensor, ...]:
    import torch

    return tuple(torch.from_numpy(feed[spec.name].copy()) for spec in context.model.inputs)


def _answer(module: GraphModule, feed: tuple[Tensor, ...]) -> list[Array]:
    with quiet_torch():
        return [tensor.numpy() for tensor in flatten(module(*feed))]


def _errors(
    context: PassContext, expected: Sequence[Sequence[Array]], found: Sequence[Sequence[Sequence[Array]]]
) -> list[float]:
    """Return the error of each of the candidates, whose outputs are given by feed."""
    totals = [OutputError(context.model) for _ in found[0]]
    for wanted, given in zip(expected, found, strict=True):
        for total, answer in zip(totals, given, strict=True):
            total.add(wanted, answer)
    return [total.value for total in totals]


def _refreshed(context: PassContext, found: TorchDepth, shorter: GraphModule) -> int:
    tracer = Tracer({}, found.flow.shapes)
    feed = samples(context, tracer)
    if feed is None:
        return 0
    everything = lambda ids: np.ones(ids.shape, np.bool_)  # noqa: E731
    tensors = _tensors(feed, context)
    return batch_norm_statistics.reestimate(found.module, shorter, tracer, everything, tensors)
