"""Example input shapes: sizes for dynamic dimensions, stated or usual, in the order to try."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from core.domain.model import TensorSpec
from core.errors import InvalidRequest

Bounds = Mapping[str, tuple[int, int | None]]
Hints = Mapping[str, Sequence[int]]

USUAL: dict[str, tuple[int, ...]] = {
    "batch": (1, 2),
    "spatial": (224, 256, 320, 640, 32, 28, 64, 96, 112, 128, 299, 384, 512, 240),
    "sequence": (128, 64, 32, 16, 8, 512, 1, 4, 77, 256),
    "past": (16, 8, 1, 0),
    "audio": (16000, 512, 576, 1024, 400, 48000, 32000, 1536, 256),
    "frames": (128, 100, 3000, 64, 16, 32, 300, 1, 200),
    "channels": (3, 1, 4, 64),
    "state": (1, 128, 16),
    "other": (16, 1, 32, 8, 64, 2, 4, 128, 224, 10),
}
_BATCH = r"^(n|b|bs|batch.*|.*batch_?size|.*_?batch)$"
_TIME = r"seq|token|frame|time|^t$"
_NAMES = (
    ("batch", _BATCH),
    ("past", r"past|cache"),
    ("sequence", r"seq|token|text|length"),
    ("spatial", r"height|width|^[hw]$|spatial"),
    ("audio", r"audio|sample|wav"),
    ("frames", r"frame|time|mel"),
    ("channels", r"channel"),
)


def kind_of(spec: TensorSpec, axis: int) -> str:
    """Return which of the `USUAL` sizes fit axis `axis` of an input, by its name, dtype and rank."""
    symbol = str(spec.shape[axis]).lower()
    if axis == 0 and (len(spec.shape) > 1 or re.search(_BATCH, symbol)) and not _time_first(spec):
        return "batch"
    for kind, pattern in _NAMES:
        if re.search(pattern, symbol) and not symbol.startswith(spec.name.lower() + "_dim"):
            return kind
    return _kind_by_rank(spec, axis)


def _time_first(spec: TensorSpec) -> bool:
    """Whether an input is (time, batch, ...), as recurrent layers take it by default."""
    time, batch, *_ = (*map(str, spec.shape), "", "")
    return bool(re.search(_TIME, time.lower()) and re.search(_BATCH, batch.lower()))


def _kind_by_rank(spec: TensorSpec, axis: int) -> str:
    rank, last = len(spec.shape), spec.shape[-1]
    if not spec.dtype.startswith("float") and spec.dtype != "uint8":
        return "sequence" if rank <= 2 else "other"
    if rank == 4:
        channels = 3 if last in (1, 3, 4) and spec.shape[1] not in (1, 3, 4) else 1
        return "channels" if axis == channels else "spatial"
    if rank == 3 and axis == 1 and _is_state(spec):
        return "state"
    if rank == 3:
        return "audio" if 1 in spec.shape[1:] else "frames"
    return "audio" if rank <= 2 else "other"


def _is_state(spec: TensorSpec) -> bool:
    """Whether an input is a recurrent state of shape (layers, batch, width)."""
    layers, _, width = spec.shape
    named = re.search(r"state|hidden|cell|^[hc]_?(0|n|in)?$", spec.name.lower())
    return isinstance(layers, int) and isinstance(width, int) and bool(layers > 1 or named)


def kinds(inputs: Sequence[TensorSpec]) -> dict[str, str]:
    """Return the kind of each symbol; one that is the batch anywhere is the batch everywhere."""
    found: dict[str, str] = {}
    for spec in inputs:
        for axis, size in enumerate(spec.shape):
            if isinstance(size, str) and (size not in found or kind_of(spec, axis) == "batch"):
                found[size] = kind_of(spec, axis)
    return found


def candidates(
    inputs: Sequence[TensorSpec], stated: Mapping[str, int], bounds: Bounds, hints: Hints
) -> Iterator[dict[str, int]]:
    """Yield sizes of all symbols, the likeliest first: all kinds varied together, then one at a time.

    Symbols such as ``past + sequence`` are the sum of their parts.
    """
    free = {symbol: kind for symbol, kind in kinds(inputs).items() if symbol not in stated}
    lists = {
        symbol: _within(symbol, (*hints.get(symbol, ()), *USUAL[kind]), bounds)
        for symbol, kind in free.items()
    }
    first = {symbol: sizes[0] for symbol, sizes in lists.items()}
    longest = max((len(sizes) for sizes in lists.values()), default=1)
    together = (
        {
            symbol: sizes[0] if free[symbol] == "batch" else sizes[min(index, len(sizes) - 1)]
            for symbol, sizes in lists.items()
        }
        for index in range(longest)
    )
    alone = (first | {symbol: size} for symbol, sizes in lists.items() for size in sizes[1:])
    seen: set[tuple[tuple[str, int], ...]] = set()
    for chosen in (*together, *alone):
        sizes = _sums(dict(stated) | chosen, stated)
        key = tuple(sorted(sizes.items()))
        if key not in seen:
            seen.add(key)
            yield sizes


def _within(symbol: str, sizes: Sequence[int], bounds: Bounds) -> tuple[int, ...]:
    low, high = bounds.get(symbol, (0, None))
    fitting = tuple(dict.fromkeys(size for size in sizes if size >= low and (high is None or size <= high)))
    return fitting or (max(low, 1) if high is None else high,)


def _sums(sizes: dict[str, int], stated: Mapping[str, int]) -> dict[str, int]:
    for symbol in sizes:
        if symbol not in stated and not symbol.isidentifier():
            computed = evaluate(symbol, sizes)
            sizes[symbol] = sizes[symbol] if computed is None else computed
    return sizes


def evaluate(expression: str, sizes: Mapping[str, int]) -> int | None:
    """Return the value of sums and products of symbols, such as ``past + 2*sequence``, or None."""
    try:
        return _value(ast.parse(expression, mode="eval").body, sizes)
    except (SyntaxError, KeyError, ValueError, ZeroDivisionError, RecursionError):
        return None


_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def _value(node: ast.expr, sizes: Mapping[str, int]) -> int:
    if isinstance(node, ast.Name):
        return sizes[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, sizes), _value(node.right, sizes))
    raise ValueError("not a sum or product of symbols")


def stated_sizes(inputs: Sequence[TensorSpec], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Return the sizes of symbols that follow from the stated shapes.

    Args:
        inputs: The model's inputs.
        shapes: Example shape by input name.

    Raises:
        InvalidRequest: An input does not exist, or a shape contradicts the model or another shape.
    """
    by_name = {spec.name: spec for spec in inputs}
    sizes: dict[str, int] = {}
    for name, shape in shapes.items():
        if name not in by_name:
            raise InvalidRequest(
                f"The model has no input named {name!r}.", hint=f"Its inputs are {', '.join(by_name)}."
            )
        _check_rank(by_name[name], shape)
        for axis, (size, given) in enumerate(zip(by_name[name].shape, shape, strict=True)):
            known = sizes.setdefault(size, given) if isinstance(size, str) else size
            if known != given or given < 0:
                raise InvalidRequest(
                    f"The stated shape of {name!r} has {given} on axis {axis}, but the model takes {known}.",
                    hint=f"The model's own shape is {_text(by_name[name].shape)}.",
                )
    return sizes


def _check_rank(spec: TensorSpec, shape: tuple[int, ...]) -> None:
    if len(spec.shape) != len(shape):
        raise InvalidRequest(
            f"The stated shape of {spec.name!r} has {len(shape)} sizes; the model takes {len(spec.shape)}.",
            hint=f"The model's own shape is {_text(spec.shape)}.",
        )


def _text(shape: Sequence[int | str]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ")"


def named(inputs: Sequence[tuple[str, str, Sequence[int | str | None]]]) -> tuple[TensorSpec, ...]:
    """Return specs with a symbol for each nameless dynamic dimension: ``batch`` on axis 0, else its own."""
    taken = {size for _, _, shape in inputs for size in shape if isinstance(size, str)}
    batch = next(name for name in ("batch", "batch_0", "unnamed_batch") if name not in taken)
    specs = []
    for name, dtype, shape in inputs:
        full = len(shape) > 1
        sizes = (
            size if size is not None else (batch if axis == 0 and full else f"{name}_dim{axis}")
            for axis, size in enumerate(shape)
        )
        specs.append(TensorSpec(name, dtype, tuple(sizes)))
    return tuple(specs)


def renamed(specs: Sequence[TensorSpec], symbol: str, size: int | str) -> tuple[TensorSpec, ...]:
    """Return `specs` with `size` in place of `symbol`."""
    return tuple(
        replace(spec, shape=tuple(size if one == symbol else one for one in spec.shape)) for spec in specs
    )
