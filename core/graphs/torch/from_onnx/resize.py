"""Resize and Upsample: every way of ONNX to place the pixels of the source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.graphs.torch.from_onnx.values import Call

MODES = {2: "bilinear", 1: "linear", 3: "trilinear"}
NEAREST: dict[str, Callable[[Tensor], Tensor]] = {
    "round_prefer_floor": lambda x: torch.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: torch.floor(x + 0.5),
    "floor": torch.floor,
    "ceil": torch.ceil,
}
PLACES = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners", "asymmetric")


def resize(call: Call) -> Tensor:
    """Return the tensor with other sizes on some of its axes."""
    x, scales, sizes = _wanted(call)
    mode = call.attribute("mode", "nearest")
    # Before version 11 of the operator set there was no choice.
    place = call.attribute(
        "coordinate_transformation_mode", "half_pixel" if call.node.opset > 10 else "asymmetric"
    )
    moved = [at for at in range(x.ndim) if scales[at] != 1]
    if not moved:
        return x
    spatial = moved[0] >= 2 and 3 <= x.ndim <= 5
    if spatial and mode != "nearest" and place in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        return _interpolated(call, x, sizes[2:], None if call.given(3) else scales[2:], place)
    if place not in PLACES or mode not in ("nearest", "linear"):
        raise call.refusal(f"has mode {mode} with {place}")
    rounds = call.attribute("nearest_mode", "round_prefer_floor" if call.node.opset > 10 else "floor")
    if spatial and mode == "nearest" and _repeats(scales, place, rounds):
        return F.interpolate(x, sizes[2:], mode="nearest")
    for axis in moved:
        x = _axis(x, axis, sizes[axis], scales[axis], place, rounds if mode == "nearest" else "")
    return x


def _wanted(call: Call) -> tuple[Tensor, list[Any], list[Any]]:
    """Return the operand and, for each of its axes, the scale and the new size."""
    x, old = call.tensor(0), list(call.tensor(0).shape)
    at = 1 if call.node.op == "Upsample" or call.node.opset < 11 else 2
    axes = call.attribute("axes") or range(x.ndim)
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise call.refusal("keeps the proportions")
    scales: list[Any] = [1] * x.ndim
    sizes = list(old)
    if call.given(3) and call.host(3).size:
        for axis, size in zip(axes, call.host(3).tolist(), strict=True):
            sizes[axis] = size
            scales[axis] = 1 if size is old[axis] or size == old[axis] else size / old[axis]
        return x, scales, sizes
    given = call.setting(at, "scales")
    for axis, scale in zip(axes, given, strict=True):
        whole = float(scale).is_integer()
        scales[axis] = int(scale) if whole else scale
        sizes[axis] = old[axis] * int(scale) if whole else int(old[axis] * scale)
    return x, scales, sizes


def _interpolated(
    call: Call, x: Tensor, sizes: Sequence[Any], scales: Sequence[Any] | None, place: str
) -> Tensor:
    rank, mode = x.ndim - 2, call.attribute("mode")
    if mode == "cubic" and (rank != 2 or call.attribute("cubic_coeff_a", -0.75) != -0.75):
        raise call.refusal("is cubic in a way that PyTorch does not know")
    name = "bicubic" if mode == "cubic" else MODES[rank]
    align, smooth = place == "align_corners", bool(call.attribute("antialias", 0))
    if scales is None or align or all(isinstance(scale, int) for scale in scales):
        return F.interpolate(x, list(sizes), mode=name, align_corners=align, antialias=smooth)
    factors = [float(scale) for scale in scales]  # the sizes are rounded, and places follow the scales
    return F.interpolate(x, scale_factor=factors, mode=name, align_corners=False, antialias=smooth)


def _repeats(scales: Sequence[Any], place: str, rounds: str) -> bool:
    """Whether each element is just repeated, a whole number of times."""
    if place == "asymmetric" and rounds == "floor":
        return True
    whole = all(isinstance(scale, int) or float(scale).is_integer() for scale in scales)
    return whole and "half_pixel" in place and rounds.startswith("round")


def _axis(x: Tensor, axis: int, size: Any, scale: Any, place: str, rounds: str) -> Tensor:
    """Return the tensor with one axis resized by picking neighbours, or between two of them."""
    last = x.shape[axis] - 1
    at = _coordinates(size, x.shape[axis], scale, place)
    if rounds:
        return x.index_select(axis, NEAREST[rounds](at).clamp(0, last).long())
    at = at.clamp(0, last)
    low = at.floor().long()
    shape = [1] * x.ndim
    shape[axis] = -1
    share: Tensor = (at - low).to(x.dtype).reshape(shape)
    below, above = x.index_select(axis, low), x.index_select(axis, (low + 1).clamp(max=last))
    return below + (above - below) * share


def _coordinates(size: Any, old: Any, scale: Any, place: str) -> Any:
    places = torch.arange(size, dtype=torch.float32)
    if place == "align_corners":
        return places * ((old - 1) / (size - 1)) if size > 1 else places * 0
    if place == "asymmetric":
        return places / scale
    if place == "half_pixel_symmetric":
        middle = old / 2 * (1 - size / (scale * old))
        return middle + (places + 0.5) / scale - 0.5
    return (places + 0.5) / scale - 0.5
