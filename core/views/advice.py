"""What to deploy and how, by scenario, out of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain.recipe import Recipe
from core.domain.run import Result
from core.insights.amounts import time_words
from core.packagers.serving.batches import GAIN
from core.registry import formats, passes
from core.views.rows import Row
from core.views.run import RunView

Measured = Sequence[tuple[Row, Result]]
GUARDED = ("auth", "rate_limit", "metrics", "log")
"""Features of a service that strangers may reach."""


class Scenario(StrEnum):
    """What a model is deployed for."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    BATCH = "batch"
    EDGE = "edge"
    SERVERLESS = "serverless"


@dataclass(frozen=True)
class Advice:
    """What is recommended for a scenario.

    Attributes:
        candidate_id: Which candidate; None where none was measured.
        headline: What to do, in a sentence.
        reasons: Why, with the figures that say so.
        features: Of the service, by name.
        packaging: Likewise.
        service: Whether a service is what the scenario needs.
    """

    candidate_id: str | None
    headline: str
    reasons: tuple[str, ...]
    features: tuple[str, ...] = ()
    packaging: tuple[str, ...] = ()
    service: bool = True


def _measured(view: RunView) -> Measured:
    """Return what may be chosen: candidates within the limits, else all that were measured.

    What cannot run without its network's code makes neither a kit nor a service.
    """
    measured = [(row, row.candidate.result) for row in view.candidates if row.candidate.result is not None]
    found = [pair for pair in measured if _standalone(pair[0].candidate.recipe, view.model.format)]
    good = [pair for pair in found if pair[0].sure or pair[0].id == view.recommendation.candidate_id]
    return good or found


def _standalone(recipe: Recipe, format_: str) -> bool:
    """Whether what a recipe makes of an upload in `format_` runs without code of the model's author."""
    for step in recipe.steps:
        technique = passes().get(step.pass_id)
        format_ = technique.produces.get(format_, format_) if technique is not None else format_
    known = formats().get(format_)
    return known is None or known.standalone


def _rates(row: Row, result: Result) -> dict[int, float]:
    """Return the samples per second by batch size; where only the latency was measured, what that gives."""
    batch = row.candidate.recipe.target.batch
    return result.timing.throughput or {batch: 1000 * batch / result.timing.latency.p50}


def _best_rate(row: Row, result: Result) -> tuple[int, float]:
    """Return the batch size of the most samples per second, and how many."""
    return max(_rates(row, result).items(), key=lambda item: item[1])


def advise(view: RunView, scenario: Scenario) -> Advice:
    """Return what is recommended for a scenario, and why."""
    rows = _measured(view)
    if not rows:
        why = "Nothing that runs without its network's code was measured yet."
        return Advice(None, why, (), service=False)
    return ADVICE[scenario](rows, view.recommendation.candidate_id)


def _for_latency(rows: Measured, recommended: str | None) -> Advice:
    fastest = min(rows, key=lambda pair: pair[1].timing.latency.p50)
    row, result = next((p for p in rows if p[0].id == recommended), fastest)
    latency = result.timing.latency
    tail = f", 95 of 100 within {time_words(latency.p95)}" if latency.p95 is not None else ""
    reasons = [
        f"A call takes {time_words(latency.p50)} at the median{tail}.",
        "No dynamic batching: a request alone would wait for others.",
    ]
    return Advice(
        row.id,
        f"{row.name} as a FastAPI service, one request at a time.",
        tuple(reasons),
        GUARDED,
        ("docker",),
    )


def _for_throughput(rows: Measured, _: str | None) -> Advice:
    row, result = max(rows, key=lambda pair: _best_rate(*pair)[1])
    (batch, rate), rates = _best_rate(row, result), _rates(row, result)
    gain = rate / rates.get(1, rate)
    told = f"{rate:,.0f} samples/s in calls of {batch} on {result.timing.environment.cpu}."
    if gain >= GAIN and batch > 1:
        why = f"Dynamic batching: calls of {batch} give {gain:.1f} times the throughput of single rows."
        return Advice(
            row.id,
            f"{row.name} with dynamic batching, behind replicas.",
            (told, why),
            (*GUARDED, "batching"),
            ("docker", "compose"),
        )
    why = "No dynamic batching: larger calls were measured to give no more. Replicas give more."
    if len(rates) == 1:
        why = "Whether larger calls give more was not measured: see Latency on the candidate's page."
    return Advice(row.id, f"{row.name} behind replicas.", (told, why), GUARDED, ("docker", "compose"))


def _for_batch(rows: Measured, _: str | None) -> Advice:
    row, result = max(rows, key=lambda pair: _best_rate(*pair)[1])
    batch, rate = _best_rate(row, result)
    took = 1e6 / rate / 60
    return Advice(
        row.id,
        f"{row.name} with the command for batch prediction.",
        (
            f"Calls of {batch} give {rate:,.0f} samples/s: a million take {took:,.1f} minutes.",
            "python -m serving.batch reads files and writes files: no request is sent, and no server runs.",
        ),
        ("batch_prediction",),
    )


def _for_edge(rows: Measured, _: str | None) -> Advice:
    row, result = min(rows, key=lambda pair: pair[1].size_bytes)
    return Advice(
        row.id,
        f"The file of {row.name}, in the app itself.",
        (
            f"It is the smallest within the limits: {result.size_bytes / 1e6:.2f} MB, "
            f"{result.timing.memory_bytes / 1e6:.0f} MB of memory, "
            f"{time_words(result.timing.latency.p50)} here.",
            "Measure it on the device: this machine says nothing of another processor.",
        ),
        service=False,
    )


def _for_serverless(rows: Measured, _: str | None) -> Advice:
    row, result = min(rows, key=lambda pair: pair[1].timing.load_ms + (pair[1].timing.first_ms or 0))
    first = result.timing.load_ms + (result.timing.first_ms or 0)
    return Advice(
        row.id,
        f"{row.name} as a container that starts fast.",
        (
            f"It loads and answers for the first time in {first:,.0f} ms, the least of all, after Python and "
            "its packages are there; Try it here measures the whole start.",
            "No rate limit and no cache in the process: they do not outlive a call. The platform has both.",
        ),
        ("auth", "log"),
        ("docker",),
    )


ADVICE: dict[Scenario, Callable[[Measured, str | None], Advice]] = {
    Scenario.LATENCY: _for_latency,
    Scenario.THROUGHPUT: _for_throughput,
    Scenario.BATCH: _for_batch,
    Scenario.EDGE: _for_edge,
    Scenario.SERVERLESS: _for_serverless,
}
