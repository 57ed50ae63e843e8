"""Diagnostics of INT8 models: float layers, Q/DQ borders, missing instructions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.domain.finding import Finding
from core.domain.run import Result
from core.passes.quantization.portability import portability_findings

VNNI = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"})
"""Instruction sets that multiply and add 8-bit integers in one go."""


def int8_findings(details: Mapping[str, Any], result: Result) -> Iterator[Finding]:
    """Yield what the processor, the layers left in float and the speed-up tell."""
    if VNNI.isdisjoint(result.timing.environment.isa):
        yield Finding(
            "warning", "This processor has no INT8 dot-product instructions (VNNI), so INT8 gains little."
        )
    else:
        yield from portability_findings(details)
    left, done = details.get("float"), details.get("quantized")
    if isinstance(left, int) and isinstance(done, int) and left > 0:
        yield Finding("note", f"{left} of {left + done} compute nodes stayed in float.")
    if result.timing.speedup.value < 1:
        yield Finding(
            "warning",
            "INT8 is slower than the original here: converting between float and INT8 costs more than "
            "the faster arithmetic gains. A BF16 or FP32 graph on a compiled runtime is often better.",
        )
