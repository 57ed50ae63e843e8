"""Cross-layer equalization: channels with outliers are scaled down, and the weights that take them up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from core.graphs.onnx import files as onnx_files

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

PASSED = ("Relu", "MaxPool", "AveragePool", "Identity")
"""Operators that give twice as much for twice the input."""


def equalize(model: ModelProto) -> int:
    """Give each channel between two convolutions the same range of weights on both sides.

    The network computes the same; one range for all channels then fits each of them (Nagel et al.,
    *Data-Free Quantization through Weight Equalization and Bias Correction*, ICCV 2019, arXiv 1906.04721).

    Returns:
        How many such pairs of convolutions there are.
    """
    from onnx import numpy_helper

    users: dict[str, list[NodeProto]] = defaultdict(list)
    for node in onnx_files.nodes(model):
        for name in node.input:
            users[name].append(node)
    held = {tensor.name: tensor for tensor in model.graph.initializer if len(users[tensor.name]) == 1}
    ends, pairs = set(onnx_files.output_names(model)), 0
    for node in model.graph.node:
        other = _taker(node, users, ends) if node.op_type == "Conv" else None
        if other is None or not {*node.input[1:], other.input[1]} <= set(held):
            continue
        arrays = {name: numpy_helper.to_array(held[name]) for name in (*node.input[1:], other.input[1])}
        before, after = arrays[node.input[1]], arrays[other.input[1]]
        taken = after if after.shape[1] == 1 and len(after) == len(before) else after.swapaxes(0, 1)
        if len(taken) != len(before):
            continue  # groups of several channels
        ours, theirs = (np.abs(each).reshape(len(before), -1).max(1) for each in (before, taken))
        scale = np.sqrt(np.divide(ours, theirs, out=np.ones_like(ours), where=(ours > 0) & (theirs > 0)))
        for name in node.input[1:]:
            arrays[name] = arrays[name] / scale.reshape(-1, *[1] * (arrays[name].ndim - 1))
        scaled = taken * scale.reshape(-1, *[1] * (taken.ndim - 1))
        arrays[other.input[1]] = scaled if taken is after else scaled.swapaxes(0, 1)
        for name, array in arrays.items():
            held[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        pairs += 1
    return pairs


def _taker(node: NodeProto, users: dict[str, list[NodeProto]], ends: set[str]) -> NodeProto | None:
    """Return the convolution that alone takes what `node` makes."""
    made = node.output[0]
    while made not in ends and len(users[made]) == 1:
        (user,) = users[made]
        if user.op_type == "Conv":
            return user if user.input[0] == made else None
        if user.op_type not in PASSED:
            return None
        made = user.output[0]
    return None
