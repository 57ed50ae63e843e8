"""Operators with weights, normalization and pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.graphs.torch.from_onnx.values import Call

Operator = Callable[[Call], Any]
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG_POOL: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
GLOBAL_AVG: dict[int, Callable[..., Tensor]] = {
    1: F.adaptive_avg_pool1d,
    2: F.adaptive_avg_pool2d,
    3: F.adaptive_avg_pool3d,
}


class Window:
    """Kernel, stride, dilation and padding of a convolution or pooling.

    Args:
        call: With the usual attributes.
        x: The operand, (batch, channels, *spatial).
        kernel: Sizes.
    """

    def __init__(self, call: Call, x: Tensor, kernel: Sequence[int]) -> None:
        rank = len(kernel)
        if rank not in CONV:
            raise call.refusal(f"works on {rank} axes, and PyTorch knows it on one, two or three")
        self.kernel = list(kernel)
        self.stride = list(call.attribute("strides") or [1] * rank)
        self.dilation = list(call.attribute("dilations") or [1] * rank)
        given = list(call.attribute("pads") or [0] * 2 * rank)
        self.begin, self.end = given[:rank], given[rank:]
        auto = call.attribute("auto_pad", "NOTSET")
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            self._same(x, lower=auto == "SAME_LOWER")

    def _same(self, x: Tensor, lower: bool) -> None:
        for axis, size in enumerate(x.shape[2:]):
            stride, reach = self.stride[axis], (self.kernel[axis] - 1) * self.dilation[axis]
            steps = (size + stride - 1) // stride - 1
            total = reach if stride == 1 else torch.sym_max(steps * stride + reach + 1 - size, 0)
            less, more = total // 2, total - total // 2
            self.begin[axis], self.end[axis] = (more, less) if lower else (less, more)

    @property
    def even(self) -> bool:
        """Whether both ends are padded alike."""
        return all(one is other or one == other for one, other in zip(self.begin, self.end, strict=True))

    def padded(self, x: Tensor, value: float) -> Tensor:
        """Return `x` with the padding in it, which is none from then on."""
        pairs = [
            size
            for begin, end in zip(reversed(self.begin), reversed(self.end), strict=True)
            for size in (begin, end)
        ]
        self.begin, self.end = [0] * len(self.kernel), [0] * len(self.kernel)
        return F.pad(x, pairs, value=value)


def _conv(call: Call) -> Tensor:
    x, weight = call.tensor(0), call.tensor(1)
    window = Window(call, x, weight.shape[2:])
    if not window.even:
        x = window.padded(x, 0.0)
    return CONV[len(window.kernel)](
        x, weight, call.optional(2), window.stride, window.begin, window.dilation, call.attribute("group", 1)
    )


def _conv_transpose(call: Call) -> Tensor:
    x, weight = call.tensor(0), call.tensor(1)
    window = Window(call, x, weight.shape[2:])
    rank = len(window.kernel)
    extra = list(call.attribute("output_padding") or [0] * rank)
    wanted = call.attribute("output_shape")
    auto = call.attribute("auto_pad", "NOTSET")
    if wanted or auto in ("SAME_UPPER", "SAME_LOWER"):
        _fit(window, x, extra, wanted, lower=auto == "SAME_LOWER")
    run = CONV_TRANSPOSE[rank]
    group = call.attribute("group", 1)
    if window.even:
        return run(x, weight, call.optional(2), window.stride, window.begin, extra, group, window.dilation)
    y = run(x, weight, call.optional(2), window.stride, 0, extra, group, window.dilation)
    for axis, (begin, end) in enumerate(zip(window.begin, window.end, strict=True), 2):
        y = y.narrow(axis, begin, y.shape[axis] - begin - end)
    return y


def _fit(window: Window, x: Tensor, extra: list[int], wanted: Sequence[int] | None, lower: bool) -> None:
    """Set the padding that gives the wanted sizes, or the stride times the size before."""
    for axis, size in enumerate(x.shape[2:]):
        stride, reach = window.stride[axis], (window.kernel[axis] - 1) * window.dilation[axis] + 1
        out = wanted[axis - len(window.kernel)] if wanted else size * stride
        total = stride * (size - 1) + extra[axis] + reach - out
        less, more = total // 2, total - total // 2
        window.begin[axis], window.end[axis] = (more, less) if lower else (less, more)


def _max_pool(call: Call) -> Tensor:
    x = call.tensor(0)
    window = Window(call, x, call.attribute("kernel_shape"))
    wide = any(2 * begin > kernel for begin, kernel in zip(window.begin, window.kernel, strict=True))
    if not window.even or wide:
        x = window.padded(x, -float("inf"))
    return MAX_POOL[len(window.kernel)](
        x, window.kernel, window.stride, window.begin, window.dilation, bool(call.attribute("ceil_mode", 0))
    )


def _avg_pool(call: Call) -> Tensor:
    x = call.tensor(0)
    window = Window(call, x, call.attribute("kernel_shape"))
    if any(each != 1 for each in window.dilation):
        raise call.refusal("is dilated")
    ceil, counted = bool(call.attribute("ceil_mode", 0)), bool(call.attribute("count_include_pad", 0))
    run = AVG_POOL[len(window.kernel)]
    wide = any(2 * begin > kernel for begin, kernel in zip(window.begin, window.kernel, strict=True))
    if window.even and not wide:
        return run(x, window.kernel, window.stride, window.begin, ceil, counted)
    begin, end = window.begin, window.end
    summed = run(window.padded(x, 0.0), window.kernel, window.stride, 0, ceil)
    if counted:
        return summed
    window.begin, window.end = begin, end
    return summed / run(window.padded(torch.ones_like(x), 0.0), window.kernel, window.stride, 0, ceil)


def _globally(table: dict[int, Callable[..., Tensor]]) -> Operator:
    def run(call: Call) -> Tensor:
        x = call.tensor(0)
        if x.ndim - 2 not in table:
            raise call.refusal(f"works on {x.ndim - 2} axes, and PyTorch knows it on one, two or three")
        return table[x.ndim - 2](x, 1)

    return run


def _global_max(call: Call) -> Tensor:
    """Return the largest value of each channel; more exporters know it than PyTorch's pooling."""
    x = call.tensor(0)
    return x.amax(tuple(range(2, x.ndim)), keepdim=True)


def _linear(call: Call) -> Tensor:
    return F.linear(call.tensor(0), call.tensor(1), call.optional(2))


def _gemm(call: Call) -> Tensor:
    a, b = call.tensor(0), call.tensor(1)
    a = a.t() if call.attribute("transA", 0) else a
    b = b.t() if call.attribute("transB", 0) else b
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    product = torch.matmul(a, b) * alpha if alpha != 1.0 else torch.matmul(a, b)
    if not call.given(2):
        return product
    return product + (call.tensor(2) * beta if beta != 1.0 else call.tensor(2))


def _batch_norm(call: Call) -> Tensor:
    if call.attribute("training_mode", 0):
        raise call.refusal("is in training mode")
    scale, bias, mean, var = (call.tensor(at) for at in range(1, 5))
    return F.batch_norm(call.tensor(0), mean, var, scale, bias, False, 0.1, call.attribute("epsilon", 1e-5))


def _instance_norm(call: Call) -> Tensor:
    eps = call.attribute("epsilon", 1e-5)
    return F.instance_norm(call.tensor(0), weight=call.tensor(1), bias=call.tensor(2), eps=eps)


def _layer_norm(call: Call) -> Tensor:
    x, weight, bias = call.tensor(0), call.tensor(1), call.optional(2)
    shape = x.shape[call.attribute("axis", -1) :]
    eps = call.attribute("epsilon", 1e-5)
    if tuple(weight.shape) == tuple(shape) and (bias is None or bias.shape == weight.shape):
        return F.layer_norm(x, list(weight.shape), weight, bias, eps)
    y = F.layer_norm(x, list(shape), None, None, eps) * weight
    return y if bias is None else y + bias


def _rms_norm(call: Call) -> Tensor:
    x, weight = call.tensor(0), call.tensor(1)
    return F.rms_norm(x, list(weight.shape), weight, call.attribute("epsilon", 1e-5))


def _group_norm(call: Call) -> Tensor:
    x, weight, bias = (call.tensor(at) for at in range(3))
    groups, channels = call.attribute("num_groups"), x.shape[1]
    if call.node.opset < 21:  # one number for each group, and not for each channel
        weight, bias = (each.repeat_interleave(channels // groups) for each in (weight, bias))
    return F.group_norm(x, groups, weight, bias, call.attribute("epsilon", 1e-5))


def _lrn(call: Call) -> Tensor:
    names = (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))
    alpha, beta, bias = (call.attribute(name, default) for name, default in names)
    return F.local_response_norm(call.tensor(0), call.attribute("size"), alpha, beta, bias)


def _lp_norm(call: Call) -> Tensor:
    return F.normalize(call.tensor(0), call.attribute("p", 2), call.attribute("axis", -1))


def _softmax(of: Callable[..., Tensor]) -> Operator:
    def run(call: Call) -> Tensor:
        x = call.tensor(0)
        if call.node.opset >= 13:
            return of(x, call.attribute("axis", -1))
        axis = call.attribute("axis", 1) % x.ndim
        if axis == x.ndim - 1:
            return of(x, -1)
        return of(x.flatten(axis), -1).reshape(x.shape)  # all axes from this one on together

    return run


OPERATORS: dict[str, Operator] = {
    "Conv": _conv, "ConvTranspose": _conv_transpose, "MaxPool": _max_pool, "AveragePool": _avg_pool,
    "GlobalAveragePool": _globally(GLOBAL_AVG), "GlobalMaxPool": _global_max, "Linear": _linear,
    "Gemm": _gemm, "MatMul": lambda call: torch.matmul(call.tensor(0), call.tensor(1)),
    "BatchNormalization": _batch_norm, "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm, "SimplifiedLayerNormalization": _rms_norm,
    "RMSNormalization": _rms_norm, "GroupNormalization": _group_norm, "LRN": _lrn,
    "LpNormalization": _lp_norm, "Softmax": _softmax(F.softmax), "LogSoftmax": _softmax(F.log_softmax),
    "Einsum": lambda call: torch.einsum(
        call.attribute("equation"), *(call.tensor(at) for at in range(len(call.values)))
    ),
}  # fmt: skip
