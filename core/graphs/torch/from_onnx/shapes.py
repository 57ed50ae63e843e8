"""Operators that move, pick, lay together and reduce elements."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.graphs.torch.from_onnx.values import Call

Operator = Callable[[Call], Any]
FAR = 2**31 - 1
"""Exporters write ends beyond every tensor for "to the end"."""


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _reshape(call: Call) -> Tensor:
    x, wanted = call.tensor(0), _list(call.setting(1, "shape"))
    if not call.attribute("allowzero", 0):
        wanted = [
            x.shape[at] if isinstance(size, int) and size == 0 else size for at, size in enumerate(wanted)
        ]
    return x.reshape(wanted)


def _flatten(call: Call) -> Tensor:
    x, axis = call.tensor(0), call.attribute("axis", 1)
    if axis == 1 and x.ndim > 1:
        return torch.flatten(x, 1)
    axis = axis % x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), -1)


def _transpose(call: Call) -> Tensor:
    x = call.tensor(0)
    return x.permute(*(call.attribute("perm") or reversed(range(x.ndim))))


def _squeeze(call: Call) -> Tensor:
    x, axes = call.tensor(0), call.setting(1, "axes")
    if axes is None:
        return x.squeeze()
    for axis in sorted((int(axis) % x.ndim for axis in _list(axes)), reverse=True):
        x = x.squeeze(axis)
    return x


def _unsqueeze(call: Call) -> Tensor:
    x, axes = call.tensor(0), _list(call.setting(1, "axes"))
    rank = x.ndim + len(axes)
    for axis in sorted(int(axis) % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _expand(call: Call) -> Tensor:
    x, wanted = call.tensor(0), _list(call.host(1).tolist())
    wanted = [1] * (x.ndim - len(wanted)) + wanted
    return x.expand([-1 if _kept(x, at - len(wanted), size) else size for at, size in enumerate(wanted)])


def _kept(x: Tensor, axis: int, size: Any) -> bool:
    """Whether an axis keeps its size: the target is 1 there, or the size that it has."""
    return -axis <= x.ndim and (size == 1 or x.shape[axis] is size)


def _concat(call: Call) -> Tensor:
    return torch.cat([call.tensor(at) for at in range(len(call.values))], call.attribute("axis"))


def _split(call: Call) -> tuple[Tensor, ...]:
    x, axis, sizes = call.tensor(0), call.attribute("axis", 0), call.setting(1, "split")
    if sizes is None:
        count = call.attribute("num_outputs") or len(call.node.outputs)
        sizes = -(-x.shape[axis] // count)
    return torch.split(x, sizes, axis)


def _slice(call: Call) -> Tensor:
    x = call.tensor(0)
    starts, ends = (_list(call.setting(at, name)) for at, name in ((1, "starts"), (2, "ends")))
    axes = call.setting(3, "axes")
    axes = list(range(len(starts))) if axes is None else _list(axes)
    steps = call.setting(4, "steps")
    steps = [1] * len(starts) if steps is None else _list(steps)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        x = _cut(x, int(axis) % x.ndim, start, end, int(step))
    return x


def _cut(x: Tensor, axis: int, start: Any, end: Any, step: int) -> Tensor:
    if step < 0:
        places = np.arange(x.shape[axis])[slice(int(start), None if end < -FAR else int(end), step)]
        return x.flip(axis) if len(places) == x.shape[axis] else _taken(x, axis, places)
    if isinstance(end, int) and end >= FAR:
        end = None
    whole = isinstance(start, int) and start == 0 and end is None and step == 1
    return x if whole else torch.ops.aten.slice.Tensor(x, axis, start, end, step)


def _taken(x: Tensor, axis: int, places: Any) -> Tensor:
    return x.index_select(axis, torch.from_numpy(np.array(places, np.int64)))


def _gather(call: Call) -> Tensor:
    x, axis, at = call.tensor(0), call.attribute("axis", 0), call.values[1]
    axis = axis % x.ndim
    if isinstance(at, np.ndarray) and at.ndim == 0:
        return x.select(axis, at.reshape(-1)[0] if at.dtype == object else int(at))
    if isinstance(at, np.ndarray) and at.ndim == 1 and at.dtype != object:
        return _taken(x, axis, np.where(at < 0, at + x.shape[axis], at) if (at < 0).any() else at)
    indices = call.tensor(1).long()
    if axis == 0 and x.ndim == 2 and isinstance(x, torch.nn.Parameter):
        return F.embedding(torch.where(indices < 0, indices + x.shape[0], indices), x)
    flat = torch.where(indices < 0, indices + x.shape[axis], indices).reshape(-1)
    return x.index_select(axis, flat).reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def _gather_elements(call: Call) -> Tensor:
    x, axis, at = call.tensor(0), call.attribute("axis", 0), call.tensor(1).long()
    return x.gather(axis, torch.where(at < 0, at + x.shape[axis], at))


def _gather_nd(call: Call) -> Tensor:
    if call.attribute("batch_dims", 0):
        raise call.refusal("has batch axes")
    x, at = call.tensor(0), call.tensor(1).long()
    return x[tuple(at.unbind(-1))]


def _scatter_nd(call: Call) -> Tensor:
    if call.attribute("reduction", "none") not in ("none", "add"):
        raise call.refusal("reduces with something else than a sum")
    x, at, new = call.tensor(0), call.tensor(1).long(), call.tensor(2)
    return x.index_put(tuple(at.unbind(-1)), new, accumulate=call.attribute("reduction", "none") == "add")


def _scatter(call: Call) -> Tensor:
    if call.attribute("reduction", "none") != "none":
        raise call.refusal("reduces what it scatters")
    x, axis, at = call.tensor(0), call.attribute("axis", 0), call.tensor(1).long()
    return x.scatter(axis, torch.where(at < 0, at + x.shape[axis], at), call.tensor(2))


PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def _pad(call: Call) -> Tensor:
    x, given = call.tensor(0), _list(call.setting(1, "pads"))
    value = call.setting(2, "value", 0.0)
    value = float(np.reshape(value, -1)[0]) if np.size(value) else 0.0
    axes = [int(axis) % x.ndim for axis in _list(call.setting(3, "axes", list(range(x.ndim))))]
    begins, ends = [0] * x.ndim, [0] * x.ndim
    for place, axis in enumerate(axes):
        begins[axis], ends[axis] = given[place], given[place + len(axes)]
    mode = PAD_MODES.get(call.attribute("mode", "constant"))
    if mode is None:
        raise call.refusal(f"pads with the mode {call.attribute('mode')}")
    if mode == "constant":
        pairs = [size for axis in reversed(range(x.ndim)) for size in (begins[axis], ends[axis])]
        while len(pairs) > 2 and all(isinstance(size, int) and size == 0 for size in pairs[-2:]):
            del pairs[-2:]
        return F.pad(x, pairs, value=value)
    return _mirrored(call, x, begins, ends, mode)


def _mirrored(call: Call, x: Tensor, begins: Sequence[Any], ends: Sequence[Any], mode: str) -> Tensor:
    """Pad with elements of the tensor; PyTorch does that on the last axes of pictures and the like only."""
    first = min((at for at in range(x.ndim) if begins[at] or ends[at]), default=x.ndim)
    count = x.ndim - first
    if count > min(3, x.ndim - 1):
        raise call.refusal(f"pads {count} axes with elements of the tensor")
    pairs = [size for axis in reversed(range(first, x.ndim)) for size in (begins[axis], ends[axis])]
    front = x.reshape(-1, *x.shape[-count:]).unsqueeze(0) if x.ndim not in (count + 1, count + 2) else x
    y = F.pad(front, pairs, mode=mode)
    return y if front is x else y.reshape(*x.shape[:-count], *y.shape[-count:])


def _tile(call: Call) -> Tensor:
    return call.tensor(0).repeat(*call.host(1).tolist())


def _filled(call: Call) -> Tensor:
    value = np.asarray(call.attribute("value", np.zeros(1, np.float32))).reshape(-1)
    dtype = torch.from_numpy(value).dtype
    return torch.full(call.host(0).tolist(), value[0].item(), dtype=dtype)


def _range(call: Call) -> Tensor:
    start, end, step = (call.host(at).reshape(-1).tolist()[0] for at in range(3))
    return torch.arange(start, end, step)


def _depth_to_space(call: Call) -> Tensor:
    x, block = call.tensor(0), call.attribute("blocksize")
    if call.attribute("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, block)
    batch, channels, height, width = x.shape
    y = x.reshape(batch, block, block, channels // block**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(batch, channels // block**2, height * block, width * block)


def _space_to_depth(call: Call) -> Tensor:
    x, block = call.tensor(0), call.attribute("blocksize")
    if call.attribute("mode", "DCR") == "CRD":
        return F.pixel_unshuffle(x, block)
    batch, channels, height, width = x.shape
    y = x.reshape(batch, channels, height // block, block, width // block, block).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(batch, channels * block**2, height // block, width // block)


def _one_hot(call: Call) -> Tensor:
    at, values = call.tensor(0).long(), call.tensor(2)
    depth, axis = int(call.host(1).reshape(-1)[0]), call.attribute("axis", -1)
    axis = axis % (at.ndim + 1)
    shape = [1] * (at.ndim + 1)
    shape[axis] = depth
    hot = torch.where(at < 0, at + depth, at).unsqueeze(axis) == torch.arange(depth).reshape(shape)
    return torch.where(hot, values[1], values[0])


def _trilu(call: Call) -> Tensor:
    x, off = call.tensor(0), int(call.host(1).reshape(-1)[0]) if call.given(1) else 0
    return torch.triu(x, off) if call.attribute("upper", 1) else torch.tril(x, off)


def _cumsum(call: Call) -> Tensor:
    x, axis = call.tensor(0), int(call.host(1).reshape(-1)[0])
    if call.attribute("reverse", 0):
        x = x.flip(axis)
    y = x.cumsum(axis).to(x.dtype)
    if call.attribute("exclusive", 0):
        y = y - x
    return y.flip(axis) if call.attribute("reverse", 0) else y


def _top_k(call: Call) -> tuple[Tensor, Tensor]:
    count = int(np.reshape(call.setting(1, "k"), -1)[0])
    largest, ordered = bool(call.attribute("largest", 1)), bool(call.attribute("sorted", 1))
    found = torch.topk(call.tensor(0), count, call.attribute("axis", -1), largest, ordered)
    return found.values, found.indices


def _arg(of: Callable[..., Tensor]) -> Operator:
    def run(call: Call) -> Tensor:
        if call.attribute("select_last_index", 0):
            raise call.refusal("takes the last of equal values")
        return of(call.tensor(0), call.attribute("axis", 0), bool(call.attribute("keepdims", 1)))

    return run


def _reduce(of: Callable[[Tensor, list[int], bool], Tensor]) -> Operator:
    def run(call: Call) -> Tensor:
        x, axes = call.tensor(0), call.setting(1, "axes")
        if not axes and axes != 0 and call.attribute("noop_with_empty_axes", 0):
            return x
        chosen = [int(axis) for axis in _list(axes)] if axes or axes == 0 else list(range(x.ndim))
        return of(x, chosen, bool(call.attribute("keepdims", 1)))

    return run


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def _grid_sample(call: Call) -> Tensor:
    names = {"linear": "bilinear", "cubic": "bicubic"}
    mode, padding = call.attribute("mode", "linear"), call.attribute("padding_mode", "zeros")
    align = bool(call.attribute("align_corners", 0))
    return F.grid_sample(call.tensor(0), call.tensor(1), names.get(mode, mode), padding, align)


OPERATORS: dict[str, Operator] = {
    "Reshape": _reshape, "Flatten": _flatten, "Transpose": _transpose, "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze, "Expand": _expand, "Concat": _concat, "Split": _split, "Slice": _slice,
    "Gather": _gather, "GatherElements": _gather_elements, "GatherND": _gather_nd, "ScatterND": _scatter_nd,
    "ScatterElements": _scatter, "Pad": _pad, "Tile": _tile, "ConstantOfShape": _filled, "Range": _range,
    "DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth, "OneHot": _one_hot, "Trilu": _trilu,
    "CumSum": _cumsum, "TopK": _top_k, "ArgMax": _arg(torch.argmax), "ArgMin": _arg(torch.argmin),
    "GridSample": _grid_sample,
    "ReduceMean": _reduce(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep, dtype=x.dtype)),
    "ReduceMax": _reduce(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": _reduce(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceL1": _reduce(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": _reduce(lambda x, axes, keep: (x * x).sum(axes, keepdim=keep).sqrt()),
    "ReduceSumSquare": _reduce(lambda x, axes, keep: (x * x).sum(axes, keepdim=keep)),
    "ReduceLogSum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "ReduceLogSumExp": _reduce(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "ReduceProd": _reduce(_product),
}  # fmt: skip
