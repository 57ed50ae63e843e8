"""Operators on each element: activations, arithmetic, comparisons, casts."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.graphs.torch.from_onnx.dtypes import torch_dtype
from core.graphs.torch.from_onnx.values import Call

Operator = Callable[[Call], Any]
SIXTH = 1e-4
"""Exporters write a sixth with few digits."""


def _unary(of: Callable[[Tensor], Tensor]) -> Operator:
    return lambda call: of(call.tensor(0))


def _binary(of: Callable[[Any, Any], Tensor]) -> Operator:
    def run(call: Call) -> Tensor:
        one, other = call.scalar(0), call.scalar(1)
        if not isinstance(one, Tensor) and not isinstance(other, Tensor):
            one = call.tensor(0)
        return of(one, other)

    return run


def _many(of: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def run(call: Call) -> Tensor:
        found = call.tensor(0)
        for at in range(1, len(call.values)):
            found = of(found, call.tensor(at))
        return found

    return run


def _mean(call: Call) -> Tensor:
    total: Tensor = _many(torch.add)(call)
    return total / len(call.values)


def _divided(a: Any, b: Any) -> Tensor:
    whole = all(not _is_float(each) for each in (a, b))
    return torch.div(a, b, rounding_mode="trunc") if whole else torch.true_divide(a, b)


def _is_float(value: Any) -> bool:
    return value.is_floating_point() if isinstance(value, Tensor) else isinstance(value, float)


def _power(a: Any, b: Any) -> Tensor:
    """Return a power in the type of its base, as ONNX has it."""
    found = torch.pow(a, b)
    return found.to(a.dtype) if isinstance(a, Tensor) and found.dtype != a.dtype else found


def _mod(call: Call) -> Tensor:
    of = torch.fmod if call.attribute("fmod", 0) else torch.remainder
    found: Tensor = _binary(of)(call)
    return found


def _clip(call: Call) -> Tensor:
    low, high = (call.setting(at, name) for at, name in ((1, "min"), (2, "max")))
    low, high = (float(np.reshape(each, -1)[0]) if each is not None else None for each in (low, high))
    x = call.tensor(0)
    if not x.is_floating_point():
        low, high = (int(each) if each is not None and isfinite(each) else None for each in (low, high))
    if low is None and high is None:
        return x
    return F.relu(x) if low == 0 and high is None else torch.clamp(x, low, high)


def _hard_sigmoid(call: Call) -> Tensor:
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    if abs(alpha - 1 / 6) < SIXTH and beta == 0.5:
        return F.hardsigmoid(call.tensor(0))
    return torch.clamp(call.tensor(0) * alpha + beta, 0.0, 1.0)


def _gelu(call: Call) -> Tensor:
    return F.gelu(call.tensor(0), approximate=call.attribute("approximate", "none"))


def _swish(call: Call) -> Tensor:
    x, alpha = call.tensor(0), call.attribute("alpha", 1.0)
    return F.silu(x) if alpha == 1.0 else x * torch.sigmoid(x * alpha)


def _prelu(call: Call) -> Tensor:
    x, slope = call.tensor(0), call.tensor(1)
    channels = tuple(slope.shape) == (x.shape[1], *(1,) * (x.ndim - 2)) if x.ndim > 1 else False
    if slope.numel() == 1 or channels:
        return F.prelu(x, slope.reshape(-1))
    return torch.where(x < 0, x * slope, x)


def _shrink(call: Call) -> Tensor:
    x, bias, edge = call.tensor(0), call.attribute("bias", 0.0), call.attribute("lambd", 0.5)
    nothing = torch.zeros_like(x)
    return torch.where(x < -edge, x + bias, torch.where(x > edge, x - bias, nothing))


def _is_inf(call: Call) -> Tensor:
    x = call.tensor(0)
    found = torch.zeros_like(x, dtype=torch.bool)
    if call.attribute("detect_positive", 1):
        found = found | (x == float("inf"))
    return found | (x == -float("inf")) if call.attribute("detect_negative", 1) else found


def _where(call: Call) -> Tensor:
    one, other = call.scalar(1), call.scalar(2)
    if not isinstance(one, Tensor) and not isinstance(other, Tensor):
        one = call.tensor(1)
    return torch.where(call.tensor(0), one, other)


def _cast(call: Call) -> Tensor:
    return call.tensor(0).to(torch_dtype(call.attribute("to")))


UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs, "Neg": torch.neg, "Exp": torch.exp, "Log": torch.log, "Sqrt": torch.sqrt,
    "Erf": torch.erf, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Relu": F.relu, "Floor": torch.floor,
    "Ceil": torch.ceil, "Round": torch.round, "Sign": torch.sign, "Reciprocal": torch.reciprocal,
    "Not": torch.logical_not, "Softsign": F.softsign, "Softplus": F.softplus, "Mish": F.mish,
    "HardSwish": F.hardswish, "Identity": lambda x: x, "IsNaN": torch.isnan, "Sin": torch.sin,
    "Cos": torch.cos, "Tan": torch.tan, "Sinh": torch.sinh, "Cosh": torch.cosh, "Asin": torch.asin,
    "Acos": torch.acos, "Atan": torch.atan, "Asinh": torch.asinh, "Acosh": torch.acosh, "Atanh": torch.atanh,
    "Dropout": lambda x: x,
}  # fmt: skip

BINARY: dict[str, Callable[[Any, Any], Tensor]] = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": _divided, "Pow": _power, "Equal": torch.eq,
    "Greater": torch.gt, "Less": torch.lt, "GreaterOrEqual": torch.ge, "LessOrEqual": torch.le,
    "And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor,
}  # fmt: skip

OPERATORS: dict[str, Operator] = {
    **{name: _unary(of) for name, of in UNARY.items()},
    **{name: _binary(of) for name, of in BINARY.items()},
    "Max": _many(torch.maximum), "Min": _many(torch.minimum), "Sum": _many(torch.add), "Mean": _mean,
    "Mod": _mod, "Clip": _clip, "HardSigmoid": _hard_sigmoid, "Gelu": _gelu, "com.microsoft.Gelu": _gelu,
    "com.microsoft.QuickGelu": lambda call: _quick(call.tensor(0), call.attribute("alpha", 1.702)),
    "Swish": _swish, "PRelu": _prelu, "Shrink": _shrink, "IsInf": _is_inf, "Where": _where, "Cast": _cast,
    "CastLike": lambda call: call.tensor(0).to(call.tensor(1).dtype),
    "LeakyRelu": lambda call: F.leaky_relu(call.tensor(0), call.attribute("alpha", 0.01)),
    "Elu": lambda call: F.elu(call.tensor(0), call.attribute("alpha", 1.0)),
    "Celu": lambda call: F.celu(call.tensor(0), call.attribute("alpha", 1.0)),
    "Selu": lambda call: _selu(call),
    "ThresholdedRelu": lambda call: F.threshold(call.tensor(0), call.attribute("alpha", 1.0), 0.0),
    "ImageScaler": lambda call: _scaled(call),
}  # fmt: skip


def _quick(x: Tensor, alpha: float) -> Tensor:
    return x * torch.sigmoid(x * alpha)


def _selu(call: Call) -> Tensor:
    alpha, gamma = call.attribute("alpha", 1.67326319), call.attribute("gamma", 1.05070102)
    return F.elu(call.tensor(0), alpha) * float(gamma)


def _scaled(call: Call) -> Tensor:
    """Scale a picture and shift its channels; an experimental operator of early converters."""
    x = call.tensor(0)
    shift = torch.tensor(call.attribute("bias", [0.0] * x.shape[1])).reshape(-1, 1, 1)
    return x * float(call.attribute("scale", 1.0)) + shift
