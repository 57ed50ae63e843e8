"""Portability verdict: what an INT8 file loses on processors that add products in 16 bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from time import process_time
from typing import Any

from core.domain.finding import Figure, Finding, FindingKind
from core.params import setting
from core.passes.quantization.loss import Judge, Run
from core.passes.quantization.saturation import without_vnni
from core.protocols import Array, Feed, PassContext

BATCH = 16
"""Rows that tell how long the others take."""
MOST_ROWS, SECONDS = 512, 0.4
"""Rows to compare on, and time of the processor for them."""
TOLD_POINTS, TOLD_ERROR = 0.2, 1.0
"""From which a loss is worth a warning, in points or percent."""


def _opened(model: Any, threads: int) -> Run:
    """Return what runs an OpenVINO model, in FP32 where it is not in 8 bits."""
    import openvino as ov

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = ov.Core().compile_model(model, "CPU", settings)
    names = [port.get_any_name() for port in compiled.inputs]

    def run(feed: Feed) -> list[Array]:
        answer = compiled({name: feed[name] for name in names})
        return [answer[port] for port in compiled.outputs]

    return run


def portability_check() -> Any:
    """Return the setting that asks for the emulation."""
    return setting(
        False,
        "Check portability",
        help="Emulates processors without VNNI, whose sums saturate, and says what would be lost: takes "
        "some seconds.",
        words={True: "checked"},
    )


def portability(model: Any, context: PassContext, emulate: bool = True) -> dict[str, Any]:
    """Return the details on what a quantized OpenVINO model loses without VNNI, on rows to search by.

    Nothing where it cannot be told: a graph that does not compile again is no reason to fail.

    Args:
        model: The model, with the names of its inputs.
        context: Of the pass.
        emulate: Off counts the layers that can saturate and leaves it at that.
    """
    with suppress(RuntimeError):
        emulated = without_vnni(model)
        told: dict[str, Any] = {"layers": emulated.layers, "of": emulated.of}
        if emulate and emulated.model is not None:
            exact, saturating = (_opened(each, context.threads) for each in (model, emulated.model))
            first = Judge(context, exact, BATCH)
            first.loss(saturating)  # the first call takes longer
            began = process_time()
            first.loss(saturating)
            rows = int(SECONDS / max(1e-6, process_time() - began) * first.rows)
            judge = Judge(context, exact, min(MOST_ROWS, max(BATCH, rows)))
            loss = judge.loss(saturating)
            told |= {"rows": judge.rows, "points": loss.points, "error_percent": loss.error}
        return {"without_vnni": told}
    return {}


def portability_findings(details: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the verdict."""
    told = details.get("without_vnni")
    if not told or not told["of"]:
        return
    if not told["layers"]:
        yield Finding(
            "portable",
            FindingKind.GOOD,
            "Portable: its sums fit into 16 bits, so processors without VNNI compute the same.",
        )
        return
    where = f"16-bit sums can saturate in {told['layers']} of {told['of']} layers"
    if "rows" not in told:
        yield Finding(
            "saturation",
            FindingKind.NOTE,
            f"On processors without VNNI {where}.",
            "They add products of 8-bit integers in 16 bits; this one does not.",
            "Built with its portability check it says what that loses; with reduced range nothing saturates.",
            Figure(told["layers"], "layers"),
        )
        return
    points, error = told["points"], told["error_percent"]
    lost = f"{error:.1f} % output error" if points is None else f"{points:.1f} points"
    serious = error > TOLD_ERROR if points is None else points > TOLD_POINTS
    yield Finding(
        "saturation",
        FindingKind.WARNING if serious else FindingKind.NOTE,
        f"On processors without VNNI it would lose {lost} more.",
        f"There {where} (emulated on {told['rows']:,} rows).",
        "INT8 with reduced range avoids that.",
        Figure(error, "%") if points is None else Figure(points, "points"),
    )
