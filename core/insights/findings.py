"""What the figures of a candidate say, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.recipe import Artifact
from core.domain.run import Candidate, Result

VNNI = ("avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp")


@dataclass(frozen=True)
class Finding:
    """One observation.

    Attributes:
        kind: ``good``, ``note`` or ``warning``.
        message: What was seen and what it means.
    """

    kind: str
    message: str


def _timing(result: Result) -> list[Finding]:
    timing, found = result.timing, []
    if timing.unstable:
        width = (timing.speedup.high - timing.speedup.low) / max(timing.speedup.value, 1e-9) / 2
        found.append(
            Finding(
                "warning",
                f"Unstable: the interval of the speed-up was still ±{width:.0%} when the time for measuring "
                "was over. Something else may have used the processor; measure again on a quiet machine.",
            )
        )
    load, cores = max(timing.environment.load_before, timing.environment.load_after), timing.environment.cores
    if load > cores:
        found.append(
            Finding(
                "note", f"The machine was busy while this was measured: load {load:.1f} on {cores} cores."
            )
        )
    return found


def _quantization(candidate: Candidate, result: Result, chain: Sequence[Artifact]) -> list[Finding]:
    steps = [step.pass_id for step in candidate.recipe.steps]
    if not any(name.startswith("int8") for name in steps):
        return []
    found = []
    isa = result.timing.environment.isa
    if not any(name in isa for name in VNNI):
        found.append(
            Finding(
                "warning", "This processor has no INT8 dot-product instructions (VNNI), so INT8 gains little."
            )
        )
    for artifact in chain:
        left, done = artifact.details.get("float"), artifact.details.get("quantized")
        if isinstance(left, int) and isinstance(done, int) and left > 0:
            found.append(Finding("note", f"{left} of {left + done} compute nodes stayed in float."))
    if result.timing.speedup.value < 1:
        found.append(
            Finding(
                "warning",
                "INT8 is slower than the original here: converting between float and INT8 costs more than "
                "the faster arithmetic gains. A BF16 or FP32 graph on a compiled runtime is often better.",
            )
        )
    return found


def _accuracy(result: Result) -> list[Finding]:
    accuracy = result.accuracy
    if accuracy is None:
        return []
    if accuracy.drop.low > 0:
        proof = f"its whole interval lies above zero (McNemar p = {accuracy.mcnemar_p:.2g})"
        return [Finding("note", f"The drop is real: {proof}.")]
    if accuracy.drop.high >= 0:
        seen = f"on {accuracy.samples} samples ({accuracy.flips} flips)"
        return [Finding("good", f"No difference in accuracy was found {seen}.")]
    return [Finding("good", "It is really more accurate than the original on these samples.")]


def findings(
    candidate: Candidate, chain: Sequence[Artifact], control: Interval | None = None
) -> tuple[Finding, ...]:
    """Return what is worth knowing about a measured candidate.

    Args:
        candidate: With its result; an unmeasured one has no findings.
        chain: Its artifact and those it was made of.
        control: The run's A/A speed-up; one that misses 1 casts doubt on all figures of the run.
    """
    result = candidate.result
    if result is None:
        return ()
    found = [*_timing(result), *_quantization(candidate, result, chain), *_accuracy(result)]
    if control is not None and not control.low <= 1 <= control.high:
        found.append(
            Finding(
                "warning",
                f"The control, the baseline against itself, came out at {control.value:.3f}x instead of 1: "
                f"differences of about {abs(control.value - 1):.0%} in this run mean nothing.",
            )
        )
    return tuple(dict.fromkeys(found))
