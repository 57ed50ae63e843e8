"""Milliseconds of each group of layers inside a running OpenVINO model, by the plugin's own counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from core.protocols import Feed

WARM_CALLS, CALLS, BLOCKS = 3, 12, 3


@dataclass(frozen=True)
class LayerTimes:
    """Where the time of a model goes.

    Attributes:
        groups: Milliseconds of each group, (groups,).
        between: Median milliseconds of a step that belongs to none: a change of layout or precision; 0 where
            there is none.
    """

    groups: tuple[float, ...]
    between: float


def layer_times(
    model: Any, original: Any, groups: Sequence[Sequence[str]], feed: Feed, settings: dict[str, Any]
) -> LayerTimes:
    """Run `model` with counters and return the time of each group.

    What the plugin fused, or what only moves data, counts for the group whose output it works on.

    Args:
        model: To run; of the layers of `original`, more or less quantized.
        original: In float, with the names that `groups` have.
        groups: Names of layers.
        feed: One call's.
        settings: Of the plugin.
    """
    import openvino as ov

    compiled = ov.Core().compile_model(model, "CPU", settings | {"PERF_COUNT": True})
    request = compiled.create_infer_request()
    inputs = {port: feed[port.get_any_name()] for port in compiled.inputs}
    sums_ms = []  # of all calls so far, after each block
    for block in range(BLOCKS + 1):
        for _ in range(CALLS if block else WARM_CALLS):
            request.infer(inputs)
        calls = WARM_CALLS + block * CALLS
        sums_ms.append({name: calls * ms for name, ms in _means(request).items()})
    taken = {
        name: float(
            np.median(
                [
                    (after.get(name, 0.0) - before.get(name, 0.0)) / CALLS
                    for before, after in pairwise(sums_ms)
                ]
            )
        )
        for name in sums_ms[-1]
    }
    owners = _owners(original, groups)
    sources = {node.get_friendly_name(): _sources(node) for node in compiled.get_runtime_model().get_ops()}
    sums, between = [0.0] * len(groups), []
    for name, ms in taken.items():
        found = [owners[each] for each in sources.get(name, [name]) if each in owners]
        if found:
            sums[min(found)] += max(0.0, ms)
        else:
            between.append(max(0.0, ms))
    return LayerTimes(tuple(sums), float(np.median(between)) if between else 0.0)


def _means(request: Any) -> dict[str, float]:
    """Return the mean milliseconds of each step over all calls so far: the plugin tells no others."""
    steps = request.get_profiling_info()
    return {
        step.node_name: 1000 * step.real_time.total_seconds()
        for step in steps
        if step.status == step.Status.EXECUTED
    }


def _sources(executed: Any) -> list[str]:
    info = executed.get_rt_info()
    return str(info["originalLayersNames"].astype(str)).split(",") if "originalLayersNames" in info else []


def _owners(original: Any, groups: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return the group of every node: its own, or that of the node whose output it works on."""
    owners = {name: index for index, group in enumerate(groups) for name in group}
    for node in original.get_ordered_ops():
        name = node.get_friendly_name()
        above = (port.get_source_output().get_node().get_friendly_name() for port in node.inputs())
        found = [owners[each] for each in above if each in owners]
        if name not in owners and found and node.get_type_name() != "Result":
            owners[name] = found[0]
    return owners
