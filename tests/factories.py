"""Values for tests of what comes after the measurement; never shown to anybody."""

from __future__ import annotations

from core.domain.measurement import Environment, Interval, Latency, Timing
from core.domain.model import SourceModel, TensorSpec
from core.domain.quality import Accuracy, Fidelity
from core.domain.recipe import Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus, Result

ENVIRONMENT = Environment(
    "Test CPU", ("avx2", "avx512_bf16", "avx512_vnni"), 2, 8 * 2**30, "", "Linux", "3.11"
)


def model(format_: str = "pt2", rank: int = 4, **changes: object) -> SourceModel:
    """Return a small image classifier with a symbolic batch."""
    shape: tuple[int | str, ...] = ("batch", 3, 32, 32)[:rank]
    values = {
        "id": "m",
        "name": "net",
        "format": format_,
        "files": (),
        "sha256": "0" * 64,
        "inputs": (TensorSpec("input", "float32", shape),),
        "outputs": (TensorSpec("output", "float32", ("batch", 10)),),
        "symbols": {"batch": 1},
        "batch_symbol": "batch",
        "parameters": 1000,
        "macs": 40_000_000,
        "size_bytes": 4000,
        "task": "image-classification",
        "classes": 10,
    }
    return SourceModel(**{**values, **changes})  # type: ignore[arg-type]


def result(
    speed: float = 2.0,
    width: float = 0.02,
    drop: tuple[float, float, float] | None = (0.0, -0.5, 0.5),
    size: int = 1000,
    samples: int = 1000,
    agreement: Interval | None = None,
    fidelity: Fidelity | None = None,
) -> Result:
    """Return figures of a candidate that is `speed` times faster than a baseline of 10 ms."""
    latency = Latency(10 / speed, None, None, None, 10 / speed, 30, 9.9 / speed, 10.1 / speed)
    baseline = Latency(10, None, None, None, 10, 30, 9.9, 10.1)
    speedup = Interval(speed, speed * (1 - width), speed * (1 + width))
    timing = Timing(latency, baseline, speedup, 12, False, (1.0,), {1: 100.0}, 1, 1.0, 1.0, ENVIRONMENT)
    accuracy = None if drop is None else Accuracy("top1", 90 - drop[0], Interval(*drop), samples, 5, 0.5)
    return Result(timing, accuracy, fidelity or Fidelity(agreement, 30.0, 0.1, samples), size)


def candidate(
    name: str, figures: Result | None, position: int = 1, steps: tuple[Step, ...] = ()
) -> Candidate:
    """Return a candidate that is done where it has figures."""
    status = CandidateStatus.DONE if figures else CandidateStatus.WAITING
    recipe = Recipe(steps, Target("onnxruntime"))
    return Candidate(name, "run", position, name, recipe, status, result=figures)
