"""Range outliers: weights so far from the others of their scale that these share a few of the 256 levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np

from core.domain.finding import POINTS, Figure, Finding, FindingKind
from core.domain.run import Result
from core.graphs.onnx import files as onnx_files
from core.protocols import Array

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

WEIGHED = frozenset({"Conv", "Gemm", "MatMul"})
"""Operators whose second input is their weight."""
FAR = 64.0
"""Times the median magnitude: normally distributed weights reach 6 to 8 times that."""
USUAL = 6.0
"""... which is what quantization counts on."""
LEAST, MOST = 64, 1 << 16
"""Weights of a tensor below which nothing is called usual, and above which a part tells the median."""
NAMED = 3


def outliers(model: ModelProto) -> dict[str, Any]:
    """Return the details on layers of a float ONNX model whose weights hold outliers; nothing without any.

    Each output channel is looked at alone, as it has a scale of its own where weights are quantized well.
    """
    from onnx import numpy_helper

    held = {each.name: each for each in model.graph.initializer}
    found: list[tuple[float, str]] = []
    for node in onnx_files.nodes(model):
        tensor = held.get(node.input[1]) if node.op_type in WEIGHED else None
        if tensor is not None:
            array = numpy_helper.to_array(tensor)
            if array.dtype.kind == "f" and array.ndim > 1 and array.size >= LEAST:
                found.append((_reach(_by_channel(array, node)), node.name))
    far = sorted((each for each in found if each[0] >= FAR), reverse=True)
    if not far:
        return {}
    named = [name for _, name in far[:NAMED]]
    return {"outliers": {"layers": len(far), "of": len(found), "reach": far[0][0], "named": named}}


def _by_channel(array: Array, node: NodeProto) -> Array:
    """Return magnitudes (output channels, weights)."""
    turned = any(each.name == "transB" and each.i for each in node.attribute)
    first = array if node.op_type == "Conv" or turned else np.moveaxis(array, -1, 0)
    magnitudes: Array = np.abs(first.reshape(len(first), -1).astype(np.float32, copy=False))
    return magnitudes


def _reach(rows: Array) -> float:
    """Return the largest magnitude of a channel by the median magnitude of its weights."""
    stride = max(1, rows.size // MOST)
    middle = np.median(rows[:, ::stride] if rows.shape[1] > stride else rows, axis=1)
    known = middle > 0
    return float((rows.max(axis=1)[known] / middle[known]).max()) if known.any() else 0.0


def outlier_findings(details: Mapping[str, Any], result: Result) -> Iterator[Finding]:
    """Yield the verdict; what is at stake is what the candidate lost."""
    told = details.get("outliers")
    if not told:
        return
    drop = result.accuracy.drop.value if result.accuracy and result.accuracy.drop.low > 0 else 0.0
    unit = result.accuracy.scale.step if result.accuracy else POINTS
    yield Finding(
        "range_outliers",
        FindingKind.WARNING if drop else FindingKind.NOTE,
        f"Weights of {told['layers']} of {told['of']} layers hold outliers, most in "
        f"{', '.join(told['named'])}: up to {told['reach']:,.0f} times the usual magnitude.",
        "The scale of their channel must reach them, so that the other weights have few of the 256 levels: "
        f"about {log2(told['reach'] / USUAL):.0f} of 8 bits are lost there.",
        "Leave these layers in float, equalize the channels, or train with quantization.",
        Figure(told["reach"], "x"),
        Figure(drop, unit) if drop else None,
    )
