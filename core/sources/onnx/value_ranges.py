"""Input value ranges of an ONNX graph: embedding rows, compared numbers, scaled pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from core.domain.model import TensorSpec
from core.graphs.onnx import files as onnx_files
from core.protocols import Array
from core.sources.onnx import signature
from core.sources.probe import Specs

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

LARGEST_CONSTANT = 1 << 20
CHANNELS = 4
FEWEST = 3
"""Numbers that an input is compared with; fewer are a choice between two ways."""
SHAPING = signature.FOLLOWED | {"Tile"}
PIXELS, UNIT = (0.0, 255.0), (0.0, 1.0)

Line = tuple[float, float]
"""Slope and offset of what became of an input by then."""


def with_values(model: ModelProto, inputs: Specs) -> Specs:
    """Return `inputs` with the bounds of their values and what tells them, where the graph does."""
    rows = signature.table_rows(model, [spec.name for spec in inputs if "int" in spec.dtype])
    numbers = dict(_constants(model))
    compared, scaled = _compared(model, inputs, numbers), _scaled(model, inputs, numbers)
    return tuple(_told(spec, rows, compared, scaled) for spec in inputs)


def _told(
    spec: TensorSpec, rows: dict[str, int], compared: dict[str, int], scaled: dict[str, tuple[float, float]]
) -> TensorSpec:
    name, whole = spec.name, "int" in spec.dtype
    if whole and name in rows:
        return replace(spec, high=rows[name], told=f"rows of a table of {rows[name]:,}")
    if whole and name in compared:  # others are no fault: they are equal to none
        most = compared[name] - 1
        return replace(spec, span=(0.0, float(most)), told=f"the graph compares them with 0 to {most:,}")
    if name not in scaled or not (whole or spec.dtype.startswith("float")):
        return spec
    low, high = scaled[name]
    return replace(spec, span=scaled[name], told=f"the graph scales them as values from {low:g} to {high:g}")


def _constants(model: ModelProto) -> Iterator[tuple[str, Array]]:
    from onnx import numpy_helper

    for tensor in model.graph.initializer:
        if _small(tensor):
            yield tensor.name, numpy_helper.to_array(tensor)
    for node in model.graph.node:
        held = next((each.t for each in node.attribute if each.name == "value"), None)
        if node.op_type == "Constant" and held is not None and _small(held):
            yield node.output[0], numpy_helper.to_array(held)


def _small(tensor: TensorProto) -> bool:
    size = int(np.prod(tensor.dims, dtype=object))
    inside = tensor.data_location != tensor.EXTERNAL and 0 < size <= LARGEST_CONSTANT
    return inside and tensor.data_type not in (tensor.STRING, tensor.BFLOAT16)


def _compared(model: ModelProto, inputs: Specs, numbers: dict[str, Array]) -> dict[str, int]:
    """Return, by input, one more than the largest number of a one-hot coding, as `high` is."""
    origin = {spec.name: spec.name for spec in inputs if "int" in spec.dtype}
    known, found = dict(numbers), {}
    for node in onnx_files.nodes(model):
        first = node.input[0] if node.input else ""
        if node.op_type in SHAPING and first in origin:
            origin[node.output[0]] = origin[first]
        elif node.op_type in SHAPING and first in known:
            known[node.output[0]] = known[first]
        elif node.op_type == "OneHot" and first in origin and node.input[1] in known:
            found[origin[first]] = int(known[node.input[1]].reshape(-1)[0])
        elif node.op_type == "Equal":
            for one, other in (node.input, node.input[::-1]):
                if one in origin and other in known and (count := _counting(known[other])):
                    found[origin[one]] = count
    return found


def _counting(values: Array) -> int:
    """Return n where the values are 0 to n - 1 in order, else 0."""
    flat = values.reshape(-1)
    counts = flat.size >= FEWEST and np.array_equal(flat, np.arange(flat.size))
    return flat.size if counts else 0


def _scaled(model: ModelProto, inputs: Specs, numbers: dict[str, Array]) -> dict[str, tuple[float, float]]:
    """Return, by input, the values that the graph's own scaling expects."""
    lines: dict[str, tuple[str, Line]] = {spec.name: (spec.name, (1.0, 0.0)) for spec in inputs}
    found: dict[str, tuple[float, float]] = {}
    for node in model.graph.node:
        source = next((name for name in node.input if name in lines), None)
        if source is None or not node.output:
            continue
        name, line = lines[source]
        after = line if node.op_type in SHAPING else _applied(node, source, line, numbers)
        if after is not None:
            lines[node.output[0]] = (name, after)
            span = _span(*after)
            if span is not None:
                found[name] = span
    return found


def _applied(node: NodeProto, source: str, line: Line, numbers: dict[str, Array]) -> Line | None:
    slope, offset = line
    if node.op_type == "BatchNormalization" and source == node.input[0]:
        mean, variance = (numbers.get(name) for name in node.input[3:5])
        if mean is None or variance is None or mean.size > CHANNELS:
            return None
        deviation = sqrt(max(float(variance.mean()), 1e-12))
        return slope / deviation, (offset - float(mean.mean())) / deviation
    other = next((numbers[name] for name in node.input if name in numbers), None)
    if other is None or other.size > CHANNELS or other.dtype.kind not in "fiu":
        return None
    value, first = float(other.mean()), node.input[0] == source
    if node.op_type == "Mul" or (node.op_type == "Div" and first and value):
        factor = value if node.op_type == "Mul" else 1 / value
        return slope * factor, offset * factor
    if node.op_type == "Add":
        return slope, offset + value
    if node.op_type == "Sub":
        return (slope, offset - value) if first else (-slope, value - offset)
    return None


def _span(slope: float, offset: float) -> tuple[float, float] | None:
    """Return the values that become numbers around 1, or None where these are no usual ones of pictures.

    Pixels are divided by 255, by half of it or by a deviation around 58, after a mean around 120 or none is
    taken off; values from 0 to 1 by a deviation around 0.22 or by 0.5, after a mean around 0.45.
    """
    if not slope:
        return None
    width, middle = 1 / abs(slope), -offset / slope
    if 100 <= width <= 260 and 0 <= middle <= 160:
        return PIXELS
    if 80 <= middle <= 160 and width <= 100:
        return PIXELS
    return UNIT if 0.1 <= width <= 0.6 and 0.3 <= middle <= 0.6 else None
