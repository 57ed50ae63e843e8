"""Which widths save the wanted time: measured width-to-latency curves, a knapsack, a look at the result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import PassNotApplicable
from core.graphs.onnx import files as onnx_files
from core.passes.latency import rough_times
from core.passes.pruning import prune_channels_onnx, prune_channels_torch
from core.passes.pruning.pruned_network import nothing_to_remove, require_importance
from core.protocols import LocalArtifact, PassContext
from core.pruning.knapsack import cheapest
from core.pruning.onnx import channels as onnx_channels
from core.pruning.onnx import tensor_shapes
from core.pruning.selection import DependencyGroup, PruningRule, groups
from core.registry import get_pass, get_runtime

FRACTIONS = (0.75, 0.5, 0.25)
"""Of a group's width at which its time is measured; between them it is interpolated."""
STEP = 8
"""Widths that kernels like are multiples of it; narrow groups are cut in eighths."""
TIMED_TOGETHER = 5
ATTEMPTS = 3
CLOSE = 0.03
"""Of the original's time: a result this near to what was asked for is taken."""


class Curves:
    """Groups of channels of an ONNX graph and what narrowing them saves on the target.

    Raises:
        PassNotApplicable: No channel can be removed, or there is no target.
    """

    def __init__(self, context: PassContext, artifact: LocalArtifact, residuals: bool, work: Path) -> None:
        self._context, self._work = context, work
        self._model = prune_channels_onnx.prepared(artifact)
        self._constants = tensor_shapes.constants(self._model)
        self._tracer = prune_channels_onnx.traced(self._model, self._constants, context, work)
        self._residuals = residuals
        if not residuals:
            self._tracer.hold_streams()
        self.groups = groups(self._tracer, "l2")
        if not self.groups:
            raise nothing_to_remove(self._tracer)
        self.widths = [len(group.channels) for group in self.groups]
        self.options = [_options(width) for width in self.widths]

    def ranked(self, rule: PruningRule) -> list[DependencyGroup]:
        """Return the groups by the importance of `rule`."""
        require_importance(self._tracer, rule)
        return groups(self._tracer, rule.criterion)

    def narrowed(self, kept: Sequence[int], name: str) -> LocalArtifact:
        """Return a file with so many channels left in each group."""
        model = type(self._model).FromString(self._model.SerializeToString())
        tracer = prune_channels_onnx.traced(model, self._constants, self._context, self._work)
        rule = PruningRule(0.0, residuals=self._residuals, widths=tuple(kept))
        onnx_channels.prune(model, tracer, rule)
        files = onnx_files.save(model, self._work / f"{name}.onnx")
        return LocalArtifact("onnx", files[0], files)

    def savings(self) -> list[list[float]]:
        """Return the share of the whole time that each option of each group saves."""
        found: list[list[float]] = [[] for _ in self.groups]
        whole = LocalArtifact("onnx", *self._file())
        for members in self._alike():
            width = self.widths[members[0]]
            points = sorted({self._nearest(members[0], width * each) for each in FRACTIONS} - {width})
            variants = [self._with(members, point) for point in points]
            times = rough_times([whole, *variants], self._context)[1:]
            saved = [max(0.0, 1 - each.ratio) / len(members) for each in times]
            steady = np.maximum.accumulate(saved[::-1])[::-1]  # a narrower group saves no less: noise aside
            for at in members:
                found[at] = list(np.interp(self.options[at], [*points, width], [*steady, 0.0]))
        return found

    def _file(self) -> tuple[Path, tuple[Path, ...]]:
        files = onnx_files.save(self._model, self._work / "whole.onnx")
        return files[0], files

    def _with(self, members: Sequence[int], width: int) -> LocalArtifact:
        kept = [width if at in members else each for at, each in enumerate(self.widths)]
        return self.narrowed(kept, f"group-{members[0]}-{width}")

    def _nearest(self, at: int, wanted: float) -> int:
        return min(self.options[at], key=lambda width: abs(width - wanted))

    def _alike(self) -> list[list[int]]:
        """Return groups whose layers have the same shapes: what one costs, the others cost."""
        found: dict[Any, list[int]] = defaultdict(list)
        for at, group in enumerate(self.groups):
            outputs = [node.output[0] for node in self._model.graph.node if set(node.input) & _names(group)]
            shapes = tuple(self._tracer.shapes.get(name) for name in outputs)
            found[self.widths[at], shapes].append(at)
        return list(found.values())


def _names(group: DependencyGroup) -> set[str]:
    return {name for name, _ in group.places}


def _options(width: int) -> list[int]:
    """Return the widths that a group may have, its own first."""
    step = max(1, min(STEP, width // 8))
    return [width, *range((width - 1) // step * step, step - 1, -step)]


def prune(
    context: PassContext,
    artifact: LocalArtifact,
    reduction: float,
    criterion: str,
    residuals: bool,
    refresh: bool,
    work: Path,
) -> LocalArtifact:
    """Return the network in the widths that save `reduction` of its time on the target.

    Raises:
        PassNotApplicable: No channel can be removed, or not enough of them.
        RuntimeFailed: The target cannot run the network.
    """
    torch = artifact.format != "onnx"
    runtime = get_runtime(context.target.runtime_id) if context.target else None
    if runtime is None or "onnx" not in runtime.formats:
        raise PassNotApplicable(
            f"Widths are timed in ONNX graphs; {runtime.name if runtime else 'no target'} does not run them.",
            hint="Choose OpenVINO or ONNX Runtime as the target, or prune channels by a ratio.",
            instead="prune_channels",
        )
    graph = _exported(context, artifact, work) if torch else artifact
    curves = Curves(context, graph, residuals, work)
    rule = PruningRule(0.0, criterion=criterion, residuals=residuals)
    ranked = prune_channels_torch.ranked(context, artifact, rule) if torch else curves.ranked(rule)
    order = _matched(ranked, curves.groups)
    saved = curves.savings()
    savings = [saved[at] if at is not None else [0.0] for at in order]
    options = [
        curves.options[at] if at is not None else [len(group.channels)]
        for group, at in zip(ranked, order, strict=True)
    ]
    most = sum(max(each) for each in savings)
    if most < reduction:
        raise PassNotApplicable(
            f"By removing channels this network becomes at most {most:.0%} faster on the target.",
            hint="Ask for less, allow residual streams, or leave out whole blocks (depth pruning).",
        )
    losses = [_losses(group, widths) for group, widths in zip(ranked, options, strict=True)]
    wanted, seen, kept = reduction, 0.0, [len(group.channels) for group in ranked]
    for attempt in range(ATTEMPTS):
        chosen = cheapest(savings, losses, wanted)
        kept = [widths[at] for widths, at in zip(options, chosen, strict=True)]
        back = {at: width for at, width in zip(order, kept, strict=True) if at is not None}
        trial = curves.narrowed(
            [back.get(at, width) for at, width in enumerate(curves.widths)], f"try-{attempt}"
        )
        seen = 1 - rough_times([graph, trial], context)[1].ratio
        if abs(seen - reduction) <= CLOSE or wanted >= most:
            break
        wanted = min(most, wanted * reduction / max(seen, reduction / 2))
    make = prune_channels_torch.prune if torch else prune_channels_onnx.prune
    built = make(context, artifact, replace(rule, widths=tuple(kept)), refresh, work)
    widths = [[len(group.channels), width] for group, width in zip(ranked, kept, strict=True)]
    return replace(built, details=built.details | {"asked": reduction, "reduction": seen, "widths": widths})


def _exported(context: PassContext, artifact: LocalArtifact, work: Path) -> LocalArtifact:
    folder, export = work / "export", get_pass("export_onnx")
    folder.mkdir()
    return export.run(replace(context, folder=folder), artifact, export.Params())


def _matched(ranked: Sequence[DependencyGroup], measured: Sequence[DependencyGroup]) -> list[int | None]:
    """Return which measured group each of the network's own is: by the name of a weight, and the width."""
    places = {
        (name, axis, len(group.channels)): at
        for at, group in enumerate(measured)
        for name, axis in group.places
    }
    return [
        next(
            (
                places[key]
                for key in ((*place, len(group.channels)) for place in group.places)
                if key in places
            ),
            None,
        )
        for group in ranked
    ]


def _losses(group: DependencyGroup, widths: Sequence[int]) -> list[float]:
    """Return what each width loses: the square of the share of importance, so that no group bears all."""
    ordered = np.sort(group.importance)
    shares = np.concatenate([[0.0], np.cumsum(ordered)]) / max(float(ordered.sum()), 1e-12)
    return [float(shares[len(ordered) - width] ** 2) for width in widths]
