"""Diagnostics of INT8 models: missing instructions, outliers, slower than float."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.run import Result
from core.passes.quantization.outliers import outlier_findings
from core.passes.quantization.portability import portability_findings

VNNI = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"})
"""Instruction sets that multiply and add 8-bit integers in one go."""
INSTRUCTIONS = 3
"""Of AVX2 and AVX-512 for what VNNI does in one: vpmaddubsw, vpmaddwd and vpaddd.

Source: Intel 64 and IA-32 Architectures Optimization Reference Manual, chapter on VNNI.
"""


def int8_findings(details: Mapping[str, Any], result: Result) -> Iterator[Finding]:
    """Yield what the processor, the weights and the speed-up tell."""
    timing = result.timing
    if VNNI.isdisjoint(timing.environment.isa):
        yield _no_vnni(timing.latency.p50)
    else:
        yield from portability_findings(details)
    yield from outlier_findings(details, result)
    if timing.speedup.value < 1:
        lost = timing.latency.p50 - timing.baseline.p50
        yield Finding(
            "int8_slower",
            FindingKind.WARNING,
            f"INT8 is slower than the original here, {timing.speedup.value:.2f}x its speed.",
            "Converting between float and INT8 costs more than the faster arithmetic gains.",
            "A BF16 or FP32 graph on a compiled runtime is often better.",
            Figure(timing.speedup.value, "x"),
            Figure(max(0.0, lost), MS),
        )


def _no_vnni(p50: float) -> Finding:
    return Finding(
        "no_int8_instructions",
        FindingKind.WARNING,
        "This processor has no INT8 dot-product instructions (VNNI), so INT8 gains little.",
        f"A dot product of 8-bit integers takes {INSTRUCTIONS} instructions in place of one: layers in INT8 "
        f"may take up to {INSTRUCTIONS} times as long as with VNNI.",
        "Measure on a machine with VNNI or AMX if that is where it will run; here a smaller FP32 network or "
        "a compiled runtime gains more.",
        Figure(INSTRUCTIONS, "x"),
        Figure(p50 * (1 - 1 / INSTRUCTIONS), MS),
    )
