"""Profiles of layers for tests of what is made of them; never shown to anybody."""

from __future__ import annotations

from core.domain.profile import LayerKind, LayerProfile, Profile
from core.domain.roofline import Ceiling, Roofline
from tests.factories import ENVIRONMENT


def roof(value: float) -> Ceiling:
    return Ceiling(value, 0.9 * value, 1.1 * value, "a product")


ROOFS = Roofline(
    1,
    {"FP32": roof(100), "INT8": roof(400)},
    {"L2": roof(100), "DRAM": roof(20)},
    ENVIRONMENT,
    {"L2": 1_000_000},
    6.0,
)


def layer(name: str, ms: float, latency: float = 1.0, **more: object) -> LayerProfile:
    values = {"precision": "FP32", "macs": 0, "bytes": 1000, "parameters": 0, "share": ms / latency}
    return LayerProfile(name, "Convolution", ms, **{**values, **more})  # type: ignore[arg-type]


BASELINE = Profile(
    "pytorch",
    (
        layer("conv1", 1.0, 4, macs=50_000_000, bytes=600_000, module="conv1"),
        layer("relu", 0.5, 4),
        layer("conv2", 2.0, 4, macs=60_000_000, bytes=600_000, module="conv2"),
        layer("add", 0.1, 4),
    ),
    4.0,
    4.1,
    1,
    1,
    100,
    ENVIRONMENT,
    ROOFS,
)
CANDIDATE = Profile(
    "openvino",
    (
        layer("input_reorder", 0.02, kind=LayerKind.REORDER),
        layer("node_conv1", 0.5, macs=50_000_000, bytes=600_000, nodes=("conv1", "relu"), precision="FP32"),
        layer("node_conv2", 0.2, macs=60_000_000, bytes=200_000, nodes=("conv2", "add"), precision="INT8"),
        layer("cast", 0.03, kind=LayerKind.QUANTIZE, precision="INT8"),
    ),
    1.0,
    1.05,
    1,
    1,
    100,
    ENVIRONMENT,
    ROOFS,
)
