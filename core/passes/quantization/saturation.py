"""What an INT8 model loses on processors without VNNI, whose sums of two products saturate at 16 bits.

AVX2 and AVX512 without VNNI multiply unsigned activations by signed weights with ``vpmaddubsw``: two
neighbouring products are added in 16 bits, and what is beyond is cut off (Intel 64 and IA-32 Architectures
Software Developer's Manual, volume 2; oneDNN's developer guide, *Nuances of int8 computations*). Here the
same is done by adding what is cut off to the exact result, as part of the graph, so that errors travel on
through the network.

Neighbours are pairs of input channels at one place of the kernel, as both runtimes lay weights out. Depthwise
convolutions have none, and signed activations are computed with halved weights there: neither saturates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.passes.quantization.coverage import OPENVINO_MOVES
from core.protocols import Array

TOP = 255
LEAST_16, MOST_16 = -(2**15), 2**15 - 1
PASSED = OPENVINO_MOVES - {"Concat", "ShapeOf", "Gather", "Broadcast"}


@dataclass(frozen=True)
class _Layer:
    """A layer in 8 bits: its activations are ``(u8 - zero) * step``, its weights ``weight * scale``.

    Attributes:
        node: The convolution or product.
        step: Of its activations.
        zero: What stands for 0 among them.
        weight: (outputs, inputs, height, width); groups lie one after another among the outputs.
        scale: Of the weights of each output, (outputs,).
        groups: Of its inputs.
    """

    node: Any
    step: float
    zero: float
    weight: Array
    scale: Array
    groups: int


@dataclass(frozen=True)
class Emulated:
    """A model that computes as without VNNI.

    Attributes:
        model: The OpenVINO model; None where nothing can saturate.
        layers: Layers that can saturate.
        of: Layers whose arithmetic is emulated.
    """

    model: Any
    layers: int
    of: int


def without_vnni(model: Any) -> Emulated:
    """Return a copy of a quantized OpenVINO model that computes as processors without VNNI do."""
    copy, risky, count = model.clone(), 0, 0
    for layer in list(_layers(copy)):
        count += 1
        risky += _saturate(layer)
    copy.validate_nodes_and_infer_types()
    return Emulated(copy if risky else None, risky, count)


def _layers(model: Any) -> Iterator[_Layer]:
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in ("Convolution", "GroupConvolution", "MatMul"):
            continue
        inputs, weights = _unsigned(node), _weights(node)
        if inputs is None or weights is None:
            continue
        weight, scale = weights
        if kind == "MatMul":
            attributes = node.get_attributes()
            if weight.ndim != 2 or attributes["transpose_a"]:
                continue
            weight = (weight if attributes["transpose_b"] else weight.T)[:, :, None, None]
        groups = len(weight) if kind == "GroupConvolution" else 1
        weight = weight.reshape(-1, *weight.shape[2:]) if kind == "GroupConvolution" else weight
        scales = np.broadcast_to(scale.ravel(), len(weight)) if scale.size in (1, len(weight)) else None
        if weight.ndim == 4 and scales is not None:
            yield _Layer(node, *inputs, weight, scales, groups)


def _unsigned(node: Any) -> tuple[float, float] | None:
    """Return step and zero of activations that are unsigned in 8 bits, else None."""
    source, step, zero = node.input_value(0).get_node(), None, 0.0
    for _ in range(16):
        kind = source.get_type_name()
        if kind == "Multiply" and step is None:
            step = _single(source.input_value(1).get_node())
            if step is None:
                return None
        elif kind == "Subtract":
            zero = _single(source.input_value(1).get_node()) or 0.0
        elif kind == "Convert" and source.get_output_element_type(0).get_type_name() == "i8":
            return None
        elif kind == "FakeQuantize":
            return _of_quantizer(source) if step is None else (step, zero)
        elif kind not in PASSED:
            return None
        source = source.input_value(0).get_node()
    return None


def _of_quantizer(node: Any) -> tuple[float, float] | None:
    low, high = (_single(node.input_value(port).get_node()) for port in (3, 4))
    if low is None or high is None or node.get_attributes()["levels"] != TOP + 1 or high <= low:
        return None
    step = (high - low) / TOP
    zero = round(-low / step)
    return None if zero == (TOP + 1) // 2 else (step, float(zero))  # symmetric ones are signed


def _single(node: Any) -> float | None:
    value = _value(node)
    return float(value.ravel()[0]) if value is not None and value.size == 1 else None


def _weights(node: Any) -> tuple[Array, Array] | None:
    """Return the signed weights in 8 bits and their scale, else None."""
    product = node.input_value(1).get_node()
    shape = tuple(product.get_output_shape(0)) if product.get_output_partial_shape(0).is_static else ()
    while product.get_type_name() == "Reshape":
        product = product.input_value(0).get_node()
    if product.get_type_name() != "Multiply":
        return None
    whole, scale = _value(product.input_value(0).get_node()), _value(product.input_value(1).get_node())
    if whole is None or scale is None or np.abs(whole).max(initial=0) > TOP // 2 + 1:
        return None
    return whole.reshape(shape), scale


def _value(node: Any) -> Array | None:
    """Return what a constant part of a graph computes, as far as quantized weights have such parts."""
    kind = node.get_type_name()
    if kind == "Constant":
        data: Array = node.data
        return data
    if kind not in ("Convert", "Reshape", "Unsqueeze", "Subtract"):
        return None
    parts = [_value(node.input_value(port).get_node()) for port in range(node.get_input_size())]
    first = parts[0]
    if first is None or any(part is None for part in parts):
        return None
    if kind == "Convert":
        return first.astype(np.float32)
    if kind == "Subtract":
        return np.asarray(first - parts[1])
    return first.reshape(tuple(node.get_output_shape(0)))


def _saturate(layer: _Layer) -> bool:
    """Add to the layer what saturation cuts off; return whether there can be anything."""
    from openvino import opset13 as ops

    cut = _cut_off(layer)
    if cut is None:
        return False
    flat = layer.node.get_type_name() == "MatMul"
    scale = (layer.scale * layer.step).astype(np.float32)
    cut = ops.multiply(cut, scale if flat else scale[:, None, None])
    exact, users = layer.node.output(0), list(layer.node.output(0).get_target_inputs())
    total = ops.add(exact, cut)
    for user in users:
        user.replace_source_output(total.output(0))
    return True


def _cut_off(layer: _Layer) -> Any:
    """Return what is cut off of the integer sums of each output; None where nothing can be."""
    from openvino import opset13 as ops

    outputs, inputs, height, width = layer.weight.shape
    weight = np.pad(layer.weight, ((0, 0), (0, inputs % 2), (0, 0), (0, 0))).astype(np.float32)
    pairs = weight.reshape(outputs, -1, 2, height, width)
    most, least = np.maximum(pairs, 0).sum(2) * TOP, np.minimum(pairs, 0).sum(2) * TOP
    rows, columns, ys, xs = np.nonzero((most > MOST_16) | (least < LEAST_16))
    if not len(rows):
        return None
    flat = layer.node.get_type_name() == "MatMul"
    every = inputs * layer.groups
    first = rows // (outputs // layer.groups) * inputs + 2 * columns
    seen, products = _unsigned_values(layer), []
    for side, channels in enumerate((first, np.minimum(first + 1, every - 1))):
        chosen = pairs[rows, columns, side, ys, xs]
        taken = ops.gather(seen, (ys * width + xs) * every + channels, -1 if flat else 1)
        products.append(ops.multiply(taken, chosen if flat else chosen[:, None, None]))
    sums = ops.add(*products)
    over = ops.subtract(ops.clamp(sums, LEAST_16, MOST_16), sums)
    into = np.zeros((outputs, len(rows)), np.float32)
    into[rows, np.arange(len(rows))] = 1
    if flat:
        return ops.matmul(over, into, transpose_a=False, transpose_b=True)
    return ops.convolution(over, into[:, :, None, None], [1, 1], [0, 0], [0, 0], [1, 1])


def _unsigned_values(layer: _Layer) -> Any:
    """Return the unsigned activations: of a convolution those at each place of its kernel."""
    from openvino import opset13 as ops

    node = layer.node
    scaled = ops.divide(node.input_value(0), np.float32(layer.step))
    seen = ops.clamp(ops.add(ops.round(scaled, "half_to_even"), np.float32(layer.zero)), 0, TOP)
    if node.get_type_name() == "MatMul":
        return seen
    known, sizes = node.get_attributes(), list(layer.weight.shape[2:])
    pads = [np.array([0, 0, *known[name]], np.int64) for name in ("pads_begin", "pads_end")]
    seen = ops.pad(seen, *pads, "constant", np.float32(layer.zero))
    return ops.extract_image_patches(seen, sizes, known["strides"], known["dilations"], "valid")
