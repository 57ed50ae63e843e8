"""Per-layer profile of one candidate: where the time of a call goes, and in which precision it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from core.domain.measurement import Environment
from core.domain.roofline import Roofline


class LayerKind(StrEnum):
    """Kind of executed layer."""

    COMPUTE = "compute"
    """Work of the network itself, such as a convolution, an activation or a pooling."""
    REORDER = "reorder"
    """Another memory layout of the same values, put in by the runtime or left by a conversion."""
    QUANTIZE = "quantize"
    """Another number format of the same values: quantize, dequantize, cast."""
    OVERHEAD = "overhead"
    """Work of the runtime beside its kernels, where it names such a step."""


@dataclass(frozen=True)
class LayerProfile:
    """One step that the runtime executed, with what it fused into it.

    Attributes:
        name: The runtime's name of it, unique within its profile.
        operator: Such as ``Convolution``, ``QLinearConv`` or ``aten::linear``.
        ms: Milliseconds of one call that it took.
        share: Of `Profile.latency_ms`, 0 to 1.
        precision: In which its kernel computes: ``FP32``, ``BF16``, ``FP16``, ``INT8``, or another format
            such as ``INT64``; empty where the runtime does not tell.
        kind: What it is for.
        kernel: The runtime's implementation, such as ``brgconv_avx512_core_amx_int8``; empty where unknown.
        macs: Multiply-accumulates of one call; 0 where it has none, None where they cannot be counted.
        bytes: Read and written by one call if each tensor moves once, weights included; None where unknown.
        parameters: Numbers of its weights; None where unknown.
        nodes: Names of the nodes or modules of the source graph that it covers, as the built file has them.
        inputs: Names of the layers of the profile whose outputs it reads; empty where that is unknown.
        shape: Of its first output; empty where unknown.
        module: Path of the network's module that it belongs to, such as ``layer1.0.conv1``; empty where
            unknown.
    """

    name: str
    operator: str
    ms: float
    share: float = 0.0
    precision: str = ""
    kind: LayerKind = LayerKind.COMPUTE
    kernel: str = ""
    macs: int | None = None
    bytes: int | None = None
    parameters: int | None = None
    nodes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    module: str = ""

    @property
    def rate(self) -> float | None:
        """Achieved GMAC/s; None without MACs or time."""
        return self.macs / self.ms / 1e6 if self.macs and self.ms > 0 else None

    @property
    def bandwidth(self) -> float | None:
        """Achieved GB/s; None without bytes or time."""
        return self.bytes / self.ms / 1e6 if self.bytes and self.ms > 0 else None

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity in MACs per byte; None where either is unknown or 0."""
        return self.macs / self.bytes if self.macs and self.bytes else None


@dataclass(frozen=True)
class Profile:
    """Layers of one candidate with their times.

    The layers' times are scaled: each layer's part of the calls that were made with the profiler on, times
    the median of the calls without it, which were made in between in the same process.

    Attributes:
        runtime: Id of the runtime.
        layers: In the order in which they ran.
        latency_ms: Median of the calls without the profiler.
        profiled_ms: Median of the calls with it.
        threads: Of the runtime.
        batch: Samples of a call.
        calls: Calls made with the profiler on; as many were made without it.
        environment: Where it was made.
        roofline: Of the same machine and threads; None where it could not be measured.
    """

    runtime: str
    layers: tuple[LayerProfile, ...]
    latency_ms: float
    profiled_ms: float
    threads: int
    batch: int
    calls: int
    environment: Environment
    roofline: Roofline | None = None

    @property
    def sum_ms(self) -> float:
        """Milliseconds of all layers."""
        return sum(layer.ms for layer in self.layers)

    @property
    def overhead_ms(self) -> float:
        """Milliseconds of a call in no layer: dispatch, waiting for threads, copies of inputs and outputs."""
        return max(0.0, self.latency_ms - self.sum_ms)

    @property
    def overhead_share(self) -> float:
        """Share of a call in no layer, 0 to 1."""
        return self.overhead_ms / self.latency_ms if self.latency_ms else 0.0

    @property
    def slowdown(self) -> float:
        """How much longer a call took with the profiler on; 1 for not at all."""
        return self.profiled_ms / self.latency_ms if self.latency_ms else 1.0

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of all layers; None where those of a layer are unknown."""
        return _total([layer.macs for layer in self.layers])

    @property
    def bytes(self) -> int | None:
        """Bytes that all layers read and write; None where those of a layer are unknown."""
        return _total([layer.bytes for layer in self.layers])

    @property
    def fusions(self) -> int:
        """Nodes of the source graph that ran within the layer of another."""
        return sum(max(0, len(layer.nodes) - 1) for layer in self.layers)

    @property
    def quantize_pairs(self) -> int:
        """Pairs of a layer that leaves a precision and one that comes back, as Q/DQ around a float layer."""
        return self.count(LayerKind.QUANTIZE) // 2

    @property
    def transitions(self) -> int:
        """Places where a layer reads the output of one that computes in another precision.

        Where the runtime does not tell who reads whom, the layer that ran before stands for it.
        """
        known = {layer.name: layer for layer in self.layers}
        computing = [layer for layer in self.layers if layer.kind is LayerKind.COMPUTE and layer.precision]
        if not any(layer.inputs for layer in computing):
            pairs = pairwise(computing)
            return sum(before.precision != after.precision for before, after in pairs)
        return sum(
            source.precision != layer.precision
            for layer in computing
            for name in layer.inputs
            if (source := _computing(name, known)) is not None
        )

    def count(self, kind: LayerKind) -> int:
        """Return how many layers are of this kind."""
        return sum(layer.kind is kind for layer in self.layers)

    def ms_of(self, kind: LayerKind) -> float:
        """Return the milliseconds of all layers of this kind."""
        return sum(layer.ms for layer in self.layers if layer.kind is kind)

    def by_precision(self) -> dict[str, float]:
        """Return the milliseconds of the computing layers by precision, the largest first."""
        found: dict[str, float] = {}
        for layer in self.layers:
            if layer.kind is LayerKind.COMPUTE:
                found[layer.precision] = found.get(layer.precision, 0.0) + layer.ms
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def _computing(name: str, known: dict[str, LayerProfile]) -> LayerProfile | None:
    """Return the layer of this name, or the one before it that does more than move or cast values."""
    seen: set[str] = set()
    while (layer := known.get(name)) is not None and name not in seen:
        if layer.kind is LayerKind.COMPUTE:
            return layer if layer.precision else None
        seen.add(name)
        name = layer.inputs[0] if layer.inputs else ""
    return None


def _total(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
