"""Arithmetic on sizes beside the graph: what exporters compute of shapes, with symbolic sizes kept so."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import SymFloat, SymInt

from core.graphs.torch.from_onnx.dtypes import numpy_dtype
from core.graphs.torch.from_onnx.values import Call, Value, as_host
from core.protocols import Array

MOST_ELEMENTS = 4096
"""Larger arrays are no sizes: they are computed as tensors."""


LENGTHS = {"Expand": (1,), "Tile": (1,), "Range": (0, 1, 2)}
"""Operands that say how large the answer is: nothing of a symbolic size can lie beside the graph."""


def known(call: Call) -> bool:
    """Whether all operands of a call are sizes or settings, and this module can work with them."""
    if call.node.op not in OPERATORS or any(
        _symbolic(call.values[at]) for at in LENGTHS.get(call.node.op, ())
    ):
        return False
    return all(
        value is None
        or (isinstance(value, np.ndarray) and value.size <= MOST_ELEMENTS and not _held(call, at))
        for at, value in enumerate(call.values)
    )


def _symbolic(value: Value | None) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


def _held(call: Call, at: int) -> bool:
    return call.held(call.node.inputs[at]) is not None


def shape(call: Call) -> Array:
    """Return the sizes of a tensor."""
    value = call.values[0]
    sizes = list(value.shape) if value is not None else []
    return as_host(sizes[call.attribute("start", 0) : call.attribute("end")])


def size(call: Call) -> Array:
    """Return the number of elements of a tensor."""
    value = call.values[0]
    return as_host([math.prod(value.shape) if value is not None else 0]).reshape(())


def _each(of: Callable[..., Any], dtype: Any = None) -> Callable[[Call], Array]:
    """Return an operator on single numbers as one on arrays of them."""

    def run(call: Call) -> Array:
        arrays = np.broadcast_arrays(*(call.host(at) for at in range(len(call.values))))
        symbolic = any(each.dtype == object for each in arrays)
        found = np.empty(arrays[0].shape, object)
        for index in np.ndindex(found.shape):
            one = [each[index] if symbolic else each[index].item() for each in arrays]
            found[index] = of(*one)
        if any(isinstance(each, (SymInt, SymFloat)) for each in found.reshape(-1)):
            return found
        return found.astype(dtype or (np.asarray(found.tolist()).dtype if symbolic else arrays[-1].dtype))

    return run


def _divided(a: Any, b: Any) -> Any:
    if isinstance(a, (float, SymFloat)) or isinstance(b, (float, SymFloat)):
        return a / b
    return a // b if isinstance(a, SymInt) or isinstance(b, SymInt) else int(a / b)


def _logic(of: Callable[..., Any]) -> Callable[[Call], Array]:
    return _each(lambda *numbers: bool(of(*numbers)), np.bool_)


def _axes(call: Call, at: int = 1) -> list[int]:
    return [int(axis) for axis in np.atleast_1d(call.setting(at, "axes", []))]


def _gather(call: Call) -> Array:
    data, at = call.host(0), call.host(1).astype(np.int64)
    return np.asarray(data.take(at, axis=call.attribute("axis", 0)))


def _slice(call: Call) -> Array:
    data: Array = call.host(0)
    starts, ends = (call.setting(at, name) for at, name in ((1, "starts"), (2, "ends")))
    axes = call.setting(3, "axes") or range(len(starts))
    steps = call.setting(4, "steps") or [1] * len(starts)
    taken: list[Any] = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        last = None if step < 0 and end < -data.shape[axis] else int(end)
        taken[axis] = slice(int(start), last, int(step))
    return np.asarray(data[tuple(taken)])


def _squeeze(call: Call) -> Array:
    return call.host(0).squeeze(tuple(_axes(call)) or None)


def _unsqueeze(call: Call) -> Array:
    return np.expand_dims(call.host(0), tuple(_axes(call)))


def _cast(call: Call) -> Array:
    value, wanted = call.host(0), numpy_dtype(call.attribute("to"))
    if value.dtype != object:
        return value.astype(wanted)
    if np.dtype(wanted).kind in "iu":
        return _mapped(value, lambda one: torch.sym_int(one))
    if np.dtype(wanted).kind == "f":
        return _mapped(value, lambda one: torch.sym_float(one))
    return _mapped(value, bool).astype(wanted)


def _mapped(value: Array, of: Callable[[Any], Any]) -> Array:
    found = np.empty(value.shape, object)
    for index in np.ndindex(found.shape):
        found[index] = of(value[index])
    return found


def _expand(call: Call) -> Array:
    value, wanted = call.host(0), [int(each) for each in call.host(1)]
    return np.broadcast_to(value, np.broadcast_shapes(value.shape, tuple(wanted)))


def _split(call: Call) -> tuple[Array, ...]:
    value, axis = call.host(0), call.attribute("axis", 0)
    sizes = call.setting(1, "split")
    if sizes is None:
        return tuple(np.array_split(value, len(call.node.outputs), axis))
    return tuple(np.split(value, np.cumsum(sizes)[:-1].astype(int), axis))


def _reduced(of: Callable[[Any, Any], Any]) -> Callable[[Call], Array]:
    def run(call: Call) -> Array:
        value, axes = call.host(0), _axes(call) or None
        found = np.frompyfunc(of, 2, 1).reduce(
            value.astype(object),
            axis=tuple(axes) if axes else None,
            keepdims=bool(call.attribute("keepdims", 1)),
        )
        return as_host(np.reshape(found, -1).tolist()).reshape(np.shape(found))

    return run


def _range(call: Call) -> Array:
    start, end, step = (int(call.host(at).reshape(-1)[0]) for at in range(3))
    return np.arange(start, end, step)


def _where(call: Call) -> Array:
    return _each(lambda takes, a, b: a if takes else b)(call)


OPERATORS: dict[str, Callable[[Call], Any]] = {
    "Add": _each(operator.add), "Sub": _each(operator.sub), "Mul": _each(operator.mul),
    "Div": _each(_divided), "Mod": _each(operator.mod), "Neg": _each(operator.neg), "Abs": _each(abs),
    "Max": _each(lambda *n: _most(torch.sym_max, n)), "Min": _each(lambda *n: _most(torch.sym_min, n)),
    "Floor": _each(math.floor), "Ceil": _each(math.ceil), "Sqrt": _each(lambda n: n**0.5), "Pow": _each(pow),
    "Equal": _logic(operator.eq), "Greater": _logic(operator.gt), "Less": _logic(operator.lt),
    "GreaterOrEqual": _logic(operator.ge), "LessOrEqual": _logic(operator.le), "Not": _logic(operator.not_),
    "And": _logic(lambda a, b: a and b), "Or": _logic(lambda a, b: a or b), "Where": _where,
    "Gather": _gather, "Slice": _slice, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Cast": _cast,
    "Concat": lambda call: np.concatenate(
        [call.host(at) for at in range(len(call.values))], call.attribute("axis")
    ),
    "Reshape": lambda call: call.host(0).reshape([int(each) for each in call.setting(1, "shape")]),
    "Flatten": lambda call: call.host(0).reshape(1, -1), "Identity": lambda call: call.host(0),
    "Transpose": lambda call: call.host(0).transpose(call.attribute("perm")),
    "Expand": _expand, "Split": _split, "Range": _range,
    "Tile": lambda call: np.tile(call.host(0), [int(each) for each in call.host(1)]),
    "ReduceProd": _reduced(operator.mul), "ReduceSum": _reduced(operator.add),
    "ReduceMax": _reduced(lambda a, b: torch.sym_max(a, b)),
    "ReduceMin": _reduced(lambda a, b: torch.sym_min(a, b)),
    "NonZero": lambda call: np.array(np.nonzero(call.host(0)), np.int64),
}  # fmt: skip
"""By ONNX operator; used where all operands are known beside the graph."""


def _most(of: Callable[[Any, Any], Any], numbers: tuple[Any, ...]) -> Any:
    found = numbers[0]
    for each in numbers[1:]:
        found = of(found, each)
    return found
