"""Depth pruning of ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import PassNotApplicable
from core.examples import example_feed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.passes.checks import EXAMPLE_BATCH, batches, onnx_outputs
from core.passes.pruning import depth
from core.passes.pruning.pruned_network import require_whole, samples
from core.protocols import Array, Feed, LocalArtifact, PassContext
from core.pruning.onnx import bias_correction, residual, tensor_shapes
from core.pruning.onnx import weights as onnx_weights
from core.pruning.output_error import OutputError
from core.pruning.propagation import Tracer
from core.pruning.residual_blocks import choose

if TYPE_CHECKING:
    from onnx import ModelProto


class OnnxDepth:
    """An ONNX graph and its blocks.

    Raises:
        PassNotApplicable: No block can be left out.
    """

    def __init__(self, context: PassContext, path: Path, work: Path) -> None:
        self.model, self._work, self._threads = onnx_files.load(path), work, context.threads
        if kinds := onnx_weights.quantized(self.model):
            raise PassNotApplicable(
                f"The graph is quantized already ({', '.join(kinds)}): its scales belong to all blocks.",
                hint="Remove blocks before quantizing.",
            )
        onnx_edits.drop_weight_inputs(self.model)
        onnx_edits.name_nodes(self.model)
        self.constants = tensor_shapes.constants(self.model)
        self.size = context.model.fixed_batch or EXAMPLE_BATCH
        feed = example_feed(context.model, self.size, context.seed)
        shapes, _ = tensor_shapes.shapes_and_values(self.model, feed, work, context.threads)
        self.flow = residual.dataflow(self.model, shapes)
        self.blocks = depth.blocks_of(self.flow)

    def without(self, gone: Sequence[int]) -> ModelProto:
        """Return the graph without some blocks."""
        return residual.remove(self.model, self.flow, [self.blocks[at] for at in gone])

    def saved(self, gone: Sequence[int]) -> LocalArtifact:
        """Return a file without some blocks, to be timed."""
        name = "-".join(map(str, gone)) or "all"
        files = onnx_files.save(self.without(gone), self._work / f"without-{name}.onnx")
        return LocalArtifact("onnx", files[0], files)

    def gains(self, context: PassContext) -> list[float]:
        """Return the milliseconds of each block on the target."""
        return depth.gains(context, self.blocks, self.saved(()), self.saved)

    def names(self) -> list[str]:
        """Return names of the blocks for people."""
        return depth.names([residual.weight_names(self.model, block) for block in self.blocks])

    def answers(self, model: ModelProto, feeds: Sequence[Feed]) -> list[list[Array]]:
        """Return the outputs of `model` for each feed."""
        opened = onnx_files.session(onnx_files.save(model, self._work / "tried.onnx")[0], self._threads)
        return [onnx_files.run(opened, feed) for feed in feeds]


def prune(context: PassContext, artifact: LocalArtifact, rule: depth.DepthRule, work: Path) -> LocalArtifact:
    """Return a graph with fewer blocks.

    Raises:
        PassNotApplicable: No block can be left out.
        PassFailed: The shorter graph does not run as the original does.
    """
    found = OnnxDepth(context, artifact.path, work)
    feeds = depth.batches(context, found.flow, len(found.blocks), rule.samples, found.size)
    expected = found.answers(found.model, feeds)

    def error(model: ModelProto) -> float:
        total = OutputError(context.model)
        for pair in zip(expected, found.answers(model, feeds), strict=True):
            total.add(*pair)
        return total.value

    def errors(gone: Sequence[int], tried: Sequence[int]) -> list[float]:
        return [error(found.without([*gone, at])) for at in tried]

    gains, unit = depth.weighed(context, found.blocks, lambda: found.gains(context), "onnx")
    gone = choose(found.blocks, gains, errors, rule.share, rule.blocks)
    shorter, corrected = found.without(gone), 0
    raw = error(shorter)
    if rule.refresh_norms:
        better = type(shorter).FromString(shorter.SerializeToString())
        count = _refreshed(context, found, better, work)
        if count and error(better) < raw:
            shorter, corrected = better, count
    files = onnx_files.save(shorter, context.folder / "model.onnx")
    for batch in batches(context):
        require_whole(*(onnx_outputs(each, context, batch) for each in (artifact.path, files[0])))
    left = found.flow.live({found.blocks[at].output: found.blocks[at].stream for at in gone})
    sizes = {name: array.size for name, array in found.constants.items() if array.dtype.kind == "f"}
    told = depth.Told(found.names(), gains, unit, gone, raw, error(shorter), corrected, _rows(feeds))
    weights = (sum(sizes.values()), sum(size for name, size in sizes.items() if name in left))
    details = told.details(context.model, weights, found.flow, found.size, left)
    return LocalArtifact("onnx", files[0], files, dict(artifact.options), details)


def _refreshed(context: PassContext, found: OnnxDepth, shorter: ModelProto, work: Path) -> int:
    tracer = Tracer(found.constants, found.flow.shapes)
    feed = samples(context, tracer)
    if feed is None:
        return 0
    everything = lambda ids: np.ones(ids.shape, np.bool_)  # noqa: E731
    return bias_correction.reestimate(found.model, shorter, tracer, everything, feed, work)


def _rows(feeds: Sequence[Feed]) -> int:
    return sum(len(next(iter(feed.values()))) for feed in feeds)
