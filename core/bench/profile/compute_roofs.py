"""Most multiply-accumulates per second in each precision, by large products and convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from core.domain.roofline import Ceiling
from core.optional import version

SECONDS, FEWEST = 0.12, 7
"""Time and fewest calls of each piece of work."""
PRODUCTS = (512, 1024)
"""Sides of the square matrices."""
CONVOLUTIONS = ((64, 56), (128, 28), (256, 14))
"""Channels in and out, and side of the picture, of the 3 x 3 convolutions."""
INSTRUCTIONS = {
    "BF16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "INT8": frozenset({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"}),
}
"""Without any of these a precision is computed as another, and has no roof of its own."""
EXECUTED = {"FP32": {"f32"}, "BF16": {"bf16"}, "INT8": {"i8", "u8"}}


@dataclass(frozen=True)
class Work:
    """One piece of work.

    Attributes:
        how: In words.
        macs: Multiply-accumulates of a call.
        call: Does it once.
    """

    how: str
    macs: int
    call: Callable[[], object]


def compute_roofs(isa: tuple[str, ...], threads: int) -> dict[str, Ceiling]:
    """Return the best rate in GMAC/s in each precision that the processor has instructions for."""
    roofs: dict[str, Ceiling] = {}
    for precision in EXECUTED:
        if not INSTRUCTIONS.get(precision, frozenset(isa)) & set(isa):
            continue
        found = [_timed(work) for work in _works(precision, threads)]
        if found:
            roofs[precision] = max(found, key=lambda roof: roof.value)
    return roofs


def _timed(work: Work) -> Ceiling:
    work.call()
    took: list[float] = []
    while len(took) < FEWEST or sum(took) < SECONDS:
        start = perf_counter()
        work.call()
        took.append(perf_counter() - start)
    return Ceiling.of([work.macs / each / 1e9 for each in took], work.how)


def _works(precision: str, threads: int) -> Iterator[Work]:
    """Yield work for each runtime that is there and computes in this precision."""
    if version("openvino"):
        for side in PRODUCTS:
            yield from _openvino(
                _product(side, precision), precision, threads, f"product of {side}² matrices"
            )
        for channels, side in CONVOLUTIONS:
            how = f"3 × 3 convolution, {channels} channels, {side} × {side}"
            yield from _openvino(_convolution(channels, side, precision), precision, threads, how)
    if version("onnxruntime") and precision != "BF16":
        for channels, side in CONVOLUTIONS:
            how = f"3 × 3 convolution, {channels} channels, {side} × {side}"
            yield _onnxruntime(channels, side, precision, threads, how)


def _product(side: int, precision: str) -> Any:
    from openvino import opset8

    data = opset8.parameter([side, side], np.float32)
    weights = opset8.constant(_random((side, side)))
    return _model(opset8.matmul(*_quantized(data, weights, precision), False, True), data)


def _convolution(channels: int, side: int, precision: str) -> Any:
    from openvino import opset8

    data = opset8.parameter([1, channels, side, side], np.float32)
    weights = opset8.constant(_random((channels, channels, 3, 3)))
    inputs = _quantized(data, weights, precision)
    return _model(opset8.convolution(*inputs, [1, 1], [1, 1], [1, 1], [1, 1]), data)


def _quantized(data: Any, weights: Any, precision: str) -> tuple[Any, Any]:
    from openvino import opset8

    if precision != "INT8":
        return data, weights
    bound = partial(opset8.constant, dtype=np.float32)
    ranges = [bound(0.0), bound(2.55), bound(0.0), bound(2.55)]
    data = opset8.fake_quantize(data, *ranges, 256)
    return data, opset8.fake_quantize(weights, bound(-1.27), bound(1.27), bound(-1.27), bound(1.27), 255)


def _model(result: Any, data: Any) -> Any:
    from openvino import Model

    return Model([result], [data])


def _openvino(model: Any, precision: str, threads: int, how: str) -> Iterator[Work]:
    """Yield the work, unless the plugin chose another precision for it."""
    import openvino

    hint = "bf16" if precision == "BF16" else "f32"
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": hint}
    compiled = openvino.Core().compile_model(model, "CPU", settings | {"ENABLE_CPU_PINNING": False})
    told = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    ran = {
        str(info["runtimePrecision"].astype(str))
        for info in told
        if str(info["layerType"].astype(str)) in ("FullyConnected", "MatMul", "Convolution")
    }
    if ran and ran <= EXECUTED[precision]:
        request = compiled.create_infer_request()
        request.set_input_tensor(0, openvino.Tensor(_random(tuple(compiled.input(0).shape))))
        shape, weights = tuple(compiled.input(0).shape), _weights(model)
        macs = prod(shape) * (weights[0] if len(weights) == 2 else prod(weights) // weights[1])
        yield Work(f"{how}, OpenVINO", macs, request.infer)


def _weights(model: Any) -> tuple[int, ...]:
    shapes = [tuple(node.output(0).shape) for node in model.get_ops() if node.get_type_name() == "Constant"]
    return max(shapes, key=prod)


def _onnxruntime(channels: int, side: int, precision: str, threads: int, how: str) -> Work:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    small = precision == "INT8"
    kind = TensorProto.UINT8 if small else TensorProto.FLOAT
    shape = [1, channels, side, side]
    weights = np.round(100 * _random((channels, channels, 3, 3)))
    stored = {"w": weights.astype(np.int8 if small else np.float32)}
    if small:
        one, none = np.array(0.1, np.float32), np.array(0, np.uint8)
        stored |= {"xs": one, "xz": none, "ws": one, "wz": np.array(0, np.int8), "ys": one * 999, "yz": none}
    operator = "QLinearConv" if small else "Conv"
    inputs = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"] if small else ["x", "w"]
    node = helper.make_node(operator, inputs, ["y"], pads=[1, 1, 1, 1])
    graph = helper.make_graph(
        [node],
        "roof",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, shape)],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    data = np.round(100 * _random(tuple(shape))).astype(np.uint8 if small else np.float32)
    macs = side * side * channels * channels * 9
    return Work(f"{how}, ONNX Runtime", macs, lambda: session.run(None, {"x": data}))


def _random(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).random(shape, np.float32)
