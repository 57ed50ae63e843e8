"""Faithfulness of exports: how far the outputs of each precision may lie from the original's.

The limits separate a broken conversion from honest rounding. An output of zeros has a signal to noise ratio
(SQNR) of 0 dB, one that has nothing to do with the original's about -3 dB, and a constant one has an error as
large as what the original varies from input to input (100 %). FP16 keeps 11 bits of each value and BF16 8, of
which a deep network loses some. What INT8 and INT4 lose depends on the ranges; whether it is worth it, limits
on accuracy say, so here only what no rounding explains is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.domain.export import ExportPrecision
from core.domain.quality import Fidelity, OtherBatch, OutputFidelity
from core.errors import OutOfTolerance


@dataclass(frozen=True)
class Tolerance:
    """How far outputs may lie from the original's.

    Attributes:
        sqnr_db: Least power of the original's output by that of the error, in decibel, of outputs of floats.
        noise: Most power of the error in percent of what the output varies from input to input; judged on
            data of the person's own, since networks hardly vary on random inputs.
        agreement: Least percent of equal answers, of outputs that are classes, whole numbers or detections.
        rounds: Whether few bits are left, so that answers on random inputs, which no class clearly leads,
            say nothing.
    """

    sqnr_db: float
    noise: float
    agreement: float
    rounds: bool = False


_INT8 = Tolerance(3.0, 100.0, 25.0, rounds=True)
TOLERANCES = MappingProxyType(
    {
        ExportPrecision.FP32: Tolerance(50.0, 1.0, 99.0),
        ExportPrecision.FP16: Tolerance(30.0, 25.0, 95.0),
        ExportPrecision.BF16: Tolerance(20.0, 100.0, 90.0),
        ExportPrecision.INT8_DYNAMIC: _INT8,
        ExportPrecision.INT8_STATIC: _INT8,
        ExportPrecision.INT4: _INT8,
    }
)
FAINT = 1e-3
"""Errors that outputs of this magnitude might have are those of runtimes, which compute a sigmoid near 0 to
1e-7 and no better. Of fainter outputs, too, something has to be left, as in INT8."""
HINTS = {
    False: "The conversion computes something else on this model: choose another target or precision.",
    True: "Give data of real use to calibrate on, or choose a precision with more bits, such as fp16.",
}


def require_faithful(precision: ExportPrecision, found: Fidelity, other: OtherBatch | None = None) -> None:
    """Refuse an export whose outputs lie further from the original's than its precision explains.

    Args:
        precision: Of the export.
        found: Its fidelity on all rows.
        other: What a call of another batch size gave.

    Raises:
        OutOfTolerance: With the figures of all outputs, the first such one told.
    """
    tolerance = TOLERANCES[precision]
    compared: list[tuple[Fidelity, int | None]] = [(found, None)]
    if other is not None and other.fidelity is not None:
        compared.append((other.fidelity, other.batch))
    for fidelity, batch in compared:
        where = f" in calls of {batch} rows" if batch else ""
        for output in fidelity.each:
            for why in _beyond(output, tolerance, fidelity.random, whole=not where):
                raise OutOfTolerance(
                    f"The output {output.name} is not the original's{where}: {why}, beyond the tolerance of "
                    f"{precision.label}. {figures(output)}",
                    hint=HINTS[tolerance.rounds],
                    figures=tuple(_plain(each, rows) for held, rows in compared for each in held.each),
                )


def _beyond(output: OutputFidelity, tolerance: Tolerance, random: bool, whole: bool) -> Iterator[str]:
    """Yield what is beyond the tolerance; `whole` says that all rows were compared, not a call's."""
    sqnr, noise, agreement = output.sqnr_db, output.noise, output.top1_agreement
    faint = output.max_abs_error <= FAINT * 10 ** (-tolerance.sqnr_db / 20)
    least, noise = (_INT8.sqnr_db, None) if faint else (tolerance.sqnr_db, noise)
    if output.of_numbers and sqnr is not None and sqnr < least:
        yield f"its SQNR is {sqnr:.1f} dB and has to be {least:.0f} dB at least"
    if whole and not random and noise is not None and noise.low > tolerance.noise:
        allowed = f"{tolerance.noise:.0f} % may be"
        yield f"the error is {noise.value:.0f} % of what the output varies, and {allowed}"
    says_little = random and tolerance.rounds
    if whole and not says_little and agreement is not None and agreement.high < tolerance.agreement:
        yield f"{agreement.value:.1f} % of the answers are equal, and {tolerance.agreement:.0f} % have to be"


def _plain(output: OutputFidelity, batch: int | None) -> dict[str, Any]:
    """Return the errors of one output as plain values; `batch` of the second call, None of all rows."""
    agreement = output.top1_agreement
    return {
        "name": output.name,
        "batch": batch,
        "max_abs_error": output.max_abs_error,
        "max_rel_error": output.max_rel_error,
        "sqnr_db": output.sqnr_db,
        "cosine": output.cosine,
        "top1_agreement": agreement.value if agreement is not None else None,
    }


def figures(output: OutputFidelity) -> str:
    """Return the errors of one output in a sentence."""
    told = [f"Largest error {output.max_abs_error:.3g}"]
    if output.max_rel_error is not None:
        share = (
            f"{output.max_rel_error:.2%}" if output.max_rel_error >= 5e-5 else f"{output.max_rel_error:.1g}"
        )
        told.append(f"{share} of the largest value")
    if output.sqnr_db is not None:
        told.append(f"SQNR {output.sqnr_db:.1f} dB")
    if output.cosine is not None:
        told.append(f"cosine {output.cosine:.5f}")
    if output.top1_agreement is not None:
        told.append(f"{output.top1_agreement.value:.1f} % equal answers")
    return f"{', '.join(told)}."
