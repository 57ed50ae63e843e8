"""Channel dependencies of ONNX shape operators: reshape, transpose, slice, concat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.pruning.channel_sets import ChannelIds
from core.pruning.dependency_groups import Keep
from core.pruning.onnx.operands import OnnxGraph, attributes, set_attribute

if TYPE_CHECKING:
    from onnx import NodeProto


def same(graph: OnnxGraph, node: NodeProto) -> None:
    """Each position comes from the one at its place."""
    for target in node.output:
        if target in graph.tracer.shapes:
            graph.tracer.same(node.input[0], target)


def reshape(graph: OnnxGraph, node: NodeProto) -> None:
    """The target shape is stated anew where channels went."""
    source, target = node.input[0], node.output[0]
    graph.tracer.reshaped(source, target)
    if node.op_type != "Reshape" or not graph.tracer.moves(target):
        return
    wanted = _target_shape(graph, node)
    if wanted is None:
        graph.tracer.unknown([source], [target], "a reshape to a computed shape")
        return

    def edit(keep: Keep) -> None:
        sizes, axes = graph.tracer.sizes(target, keep), graph.tracer.of(target)
        if sizes != graph.tracer.shapes[target]:
            stated = [old if axes[at] is None else sizes[at] for at, old in enumerate(wanted)]
            node.input[1] = graph.constant(stated)
            set_attribute(node, "allowzero", None)

    graph.tracer.edits.append(edit)


def _target_shape(graph: OnnxGraph, node: NodeProto) -> list[int] | None:
    """Return the operand of a Reshape: sizes, 0 to copy, at most one -1; None where it cannot be stated."""
    source, target, operand = node.input[0], node.output[0], node.input[1]
    now, later = graph.tracer.shapes[target], graph.other.get(target)
    if graph.is_constant(operand):
        given = graph.operand(node, 1, "shape")
        empty = attributes(node).get("allowzero") and 0 in (given or ())
        return given if given is not None and len(given) == len(now) and not empty else None
    if later is None or len(later) != len(now):
        return None
    moving = [at for at, (a, b) in enumerate(zip(now, later, strict=True)) if a != b]
    result = list(now)
    before = graph.tracer.shapes[source]
    copies = [at for at in moving if at < len(before) and before[at] == now[at]]
    for at in moving:
        result[at] = 0 if at in copies else -1
    return result if result.count(-1) <= 1 else None


def transpose(graph: OnnxGraph, node: NodeProto) -> None:
    """Reorders axes."""
    rank = len(graph.tracer.shapes[node.input[0]])
    order = attributes(node).get("perm") or list(range(rank))[::-1]
    graph.tracer.transposed(node.input[0], node.output[0], order)


def concat(graph: OnnxGraph, node: NodeProto) -> None:
    """Lays channels side by side."""
    graph.tracer.concatenated(node.input, node.output[0], int(attributes(node).get("axis", 1)))


def split(graph: OnnxGraph, node: NodeProto) -> None:
    """The sizes of the parts are stated anew."""
    tracer, source = graph.tracer, node.input[0]
    axis = int(attributes(node).get("axis", 0)) % len(tracer.shapes[source])
    start = 0
    for target in node.output:
        size = tracer.shapes[target][axis]
        tracer.taken(source, target, axis, np.arange(start, start + size))
        start += size

    def edit(keep: Keep) -> None:
        sizes = [tracer.sizes(target, keep)[axis] for target in node.output]
        if onnx_files.opset(graph.model) < 13:
            set_attribute(node, "split", sizes)
        else:
            set_attribute(node, "num_outputs", None)
            del node.input[1:]
            node.input.append(graph.constant(sizes))

    if tracer.of(source)[axis] is not None:
        tracer.edits.append(edit)


def slice(graph: OnnxGraph, node: NodeProto) -> None:
    """Starts and ends are stated anew."""
    tracer, source, target = graph.tracer, node.input[0], node.output[0]
    starts, ends = graph.operand(node, 1, "starts"), graph.operand(node, 2, "ends")
    if starts is None or ends is None:
        return tracer.unknown(node.input, node.output, "a slice at computed positions")
    rank = len(tracer.shapes[source])
    axes = graph.operand(node, 3, "axes") or list(range(len(starts)))
    steps = graph.operand(node, 4, "steps") or [1] * len(starts)
    current = list(tracer.of(source))
    ranges: list[tuple[int, int, int, ChannelIds | None]] = []
    for axis, start, end, step in zip((axis % rank for axis in axes), starts, ends, steps, strict=True):
        positions = np.arange(tracer.shapes[source][axis])[start:end:step]
        ids = current[axis]
        if ids is not None and step != 1:
            tracer.coupled.freeze(ids, "a slice with a step")
            ids = None
        first = int(positions[0]) if positions.size else 0
        ranges.append((first, first + positions.size, axis, ids))
        current[axis] = None if ids is None else ids[positions]
    tracer.axes[target] = tuple(current)
    if all(name == source or graph.is_constant(name) for name in node.input if name):
        tracer.edits.append(lambda keep: _reslice(graph, node, keep, starts, ends, ranges))
        return None
    return tracer.freeze([source], "a slice at computed positions")


def _reslice(
    graph: OnnxGraph,
    node: NodeProto,
    keep: Keep,
    starts: list[int],
    ends: list[int],
    ranges: list[tuple[int, int, int, ChannelIds | None]],
) -> None:
    starts, ends, changed = list(starts), list(ends), False
    for at, (first, last, _, ids) in enumerate(ranges):
        if ids is not None and not keep(ids).all():
            stays = keep(ids)
            starts[at], ends[at], changed = int(stays[:first].sum()), int(stays[:last].sum()), True
    if not changed:
        return
    if onnx_files.opset(graph.model) < 10:
        set_attribute(node, "starts", starts)
        set_attribute(node, "ends", ends)
    else:
        node.input[1], node.input[2] = graph.constant(starts), graph.constant(ends)


def gather(graph: OnnxGraph, node: NodeProto) -> None:
    """Of a constant table, rows are looked up; of a tensor, constant positions are taken."""
    tracer, (source, indices) = graph.tracer, node.input
    target, rank = node.output[0], len(tracer.shapes[source])
    axis = int(attributes(node).get("axis", 0)) % rank
    found = tracer.of(source)
    if tracer.shapes[indices] == () and graph.is_constant(indices) and found[axis] is None:
        return tracer.taken(source, target, axis, np.array(0))
    found = tracer.freeze_axes(source, [axis], "positions that are looked up")
    inner: list[ChannelIds | None] = [None] * len(tracer.shapes[indices])
    tracer.axes[target] = (*found[:axis], *inner, *found[axis + 1 :])
    return None


def pad(graph: OnnxGraph, node: NodeProto) -> None:
    """Shortcuts of some residual networks pad channels with zeros."""
    tracer, source, target = graph.tracer, node.input[0], node.output[0]
    before, pads = tracer.shapes[source], graph.operand(node, 1, "pads")
    mode = attributes(node).get("mode", b"constant")
    whole = pads is not None and len(pads) == 2 * len(before)
    if before[1:2] == tracer.shapes[target][1:2] or pads is None or not whole or mode != b"constant":
        return tracer.same(source, target)
    rank = len(before)
    padded = tracer.padded(source, target, pads[:rank], pads[rank:])

    def edit(keep: Keep) -> None:
        new = list(pads)
        for axis, ids in enumerate(padded):
            if ids is not None:
                new[axis] = int(keep(ids[: pads[axis]]).sum())
                new[rank + axis] = int(keep(ids[len(ids) - pads[rank + axis] :]).sum())
        if new == pads:
            return
        if onnx_files.opset(graph.model) < 11:
            set_attribute(node, "pads", new)
        else:
            node.input[1] = graph.constant(new)

    tracer.edits.append(edit)
    return None


def resize(graph: OnnxGraph, node: NodeProto) -> None:
    """Scales stay; sizes that are stated name the channels too."""
    tracer, source, target = graph.tracer, node.input[0], node.output[0]
    tracer.same(source, target)
    operand = node.input[3] if len(node.input) > 3 else ""
    if not operand or not tracer.moves(target):
        return
    if not graph.is_constant(operand) or attributes(node).get("axes"):
        tracer.unknown([source], [target], "a resize to a computed size")
        return
    given = graph.operand(node, 3, "sizes") or []
    stated = [at for at, ids in enumerate(tracer.of(target)) if ids is not None]

    def edit(keep: Keep) -> None:
        sizes = tracer.sizes(target, keep)
        node.input[3] = graph.constant([sizes[at] if at in stated else old for at, old in enumerate(given)])

    tracer.edits.append(edit)


def expand(graph: OnnxGraph, node: NodeProto) -> None:
    """Copies along axes of size 1, which are no channels."""
    source, target = node.input[0], node.output[0]
    before, after = graph.tracer.shapes[source], graph.tracer.shapes[target]
    if graph.tracer.moves(source):
        return graph.tracer.unknown([source], [target], "an expansion")
    graph.tracer.axes[target] = (None,) * len(after) if before != after else graph.tracer.of(source)
    return None
