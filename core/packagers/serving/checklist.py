"""Deployment checklist: each line ticked by a measurement or test that was run, or open with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.run import Candidate, Result
from core.domain.service import Trial
from core.packagers.readme import plain
from core.packagers.serving.options import ServiceParams
from core.protocols import Package

UNTRIED = "The service was not tried: whetstone deploy with --try, or Try it here on the Deploy page."


@dataclass(frozen=True)
class Line:
    """One line of the checklist.

    Attributes:
        name: What is asked.
        done: Whether it is shown to be so.
        evidence: The figures that show it, or why it is open and what closes it.
    """

    name: str
    done: bool
    evidence: str


def checklist(package: Package, params: ServiceParams) -> tuple[Line, ...]:
    """Return the checklist of a service, see `lines`."""
    return lines(package.candidate, package.baseline, package.trial, params)


def lines(
    candidate: Candidate, baseline: Candidate, trial: Trial | None, params: ServiceParams
) -> tuple[Line, ...]:
    """Return the checklist of a service.

    Args:
        candidate: That is served.
        baseline: Of the same run.
        trial: What came of starting it; None where it was not tried.
        params: What was chosen.
    """
    return (
        *measured(candidate, baseline),
        _equal(trial),
        _served_latency(trial),
        _throughput(trial),
        _errors(trial),
        _health(trial),
        _monitoring(params, trial),
        _rollback(params, trial),
        Line(
            "Other machines",
            False,
            "Only this one was measured. python models/v1/verify.py compares outputs and latency there.",
        ),
        Line(
            "A/B test or canary",
            False,
            "No traffic was split yet: GET /canary shows both arms."
            if params.canary
            else "Off: choose canary and a second version.",
        ),
        Line("Real load", False, "The load test repeats a few inputs over the loopback, without a network."),
    )


def measured(candidate: Candidate, baseline: Candidate) -> tuple[Line, ...]:
    """Return what was measured of the model itself, of a candidate that a program of its own serves."""
    result = candidate.result
    return () if result is None else (_accuracy(result), _latency(result), *_sizes(result, baseline.result))


def markdown(found: tuple[Line, ...]) -> str:
    """Return a checklist as a file."""
    ticked = sum(each.done for each in found)
    rows = [f"- [{'x' if each.done else ' '}] **{each.name}**: {each.evidence}" for each in found]
    head = (
        f"# Deployment checklist\n\n{ticked} of {len(found)} are shown by a measurement or test that was run."
    )
    return "\n".join([head, "", *rows]) + "\n"


def _accuracy(result: Result) -> Line:
    accuracy = result.accuracy
    if accuracy is None:
        agreed = result.fidelity.top1_agreement
        seen = f" It agrees with the original on {agreed.value:.2f} %." if agreed is not None else ""
        return Line("Accuracy on held-out data", False, f"There were no labels.{seen}")
    scale, change = accuracy.scale, accuracy.change
    ends = " to ".join(map(scale.difference, (change.low, change.high)))
    name = plain(scale.name)
    value = f"{name[:1].upper()}{name[1:]} {scale.words(accuracy.value, 2)}"
    told = f"{value} of {accuracy.samples:,} held-out samples"
    return Line(
        "Accuracy on held-out data",
        True,
        f"{told}, {scale.difference(change.value)} to the original ({ends}).",
    )


def _latency(result: Result) -> Line:
    latency, where = result.timing.latency, plain(result.timing.environment.cpu)
    tail = [
        f"p{q} {value:.3f} ms" for q, value in ((95, latency.p95), (99, latency.p99)) if value is not None
    ]
    told = ", ".join([f"p50 {latency.p50:.3f} ms", *tail])
    return Line("Latency of the model", True, f"{told} on {where}, {latency.runs:,} calls.")


def _sizes(result: Result, baseline: Result | None) -> tuple[Line, Line]:
    before = f" (original {baseline.size_bytes / 1e6:.2f} MB)" if baseline is not None else ""
    size = Line("Size", True, f"{result.size_bytes / 1e6:.2f} MB{before}.")
    taken = result.timing.memory_bytes / 1e6
    return size, Line("Memory of the model", True, f"{taken:.1f} MB at the peak above the empty runtime.")


def _equal(trial: Trial | None) -> Line:
    name = "The service gives the measured outputs"
    if trial is None:
        return Line(name, False, UNTRIED)
    told = f"{trial.golden} golden inputs, largest difference {trial.largest_error:.4%}."
    return Line(name, trial.equal, told if trial.equal else f"They differ: {told}")


def _served_latency(trial: Trial | None) -> Line:
    name = "Latency of the service"
    if trial is None:
        return Line(name, False, UNTRIED)
    alone = trial.alone
    tail = f", p99 {alone.p99_ms:.2f} ms" if alone.p99_ms is not None else ""
    return Line(
        name,
        True,
        f"p50 {alone.p50_ms:.2f} ms{tail} with one client; {trial.overhead_ms:+.2f} ms to a bare call "
        f"({trial.bare_p50_ms:.2f} ms).",
    )


def _throughput(trial: Trial | None) -> Line:
    name = "Throughput under load"
    if trial is None:
        return Line(name, False, UNTRIED)
    most = trial.most
    told = (
        f"{most.requests_per_s:,.0f} requests/s with {most.clients} clients, p50 {most.p50_ms:.1f} ms; "
        f"{trial.errors:,} errors; {trial.memory_bytes / 1e6:.0f} MB."
    )
    return Line(name, not trial.errors, told)


def _errors(trial: Trial | None) -> Line:
    name = "Error handling"
    if trial is None:
        return Line(name, False, UNTRIED)
    unclear = [
        f"{each.name}: {each.status} in place of {each.wanted}" for each in trial.refusals if not each.clear
    ]
    told = f"{len(trial.refusals)} requests that must be refused were sent"
    if unclear or not trial.alive:
        return Line(name, False, f"{told}; {'; '.join(unclear) or 'it was not ready afterwards'}.")
    return Line(name, True, f"{told}; each got its error, and the service was ready afterwards.")


def _health(trial: Trial | None) -> Line:
    name = "Health checks"
    if trial is None:
        return Line(name, False, UNTRIED)
    return Line(
        name,
        trial.alive,
        f"/ready ran the golden inputs and said so {trial.ready_ms / 1e3:.1f} s after the start.",
    )


def _monitoring(params: ServiceParams, trial: Trial | None) -> Line:
    name = "Monitoring"
    if not params.metrics:
        return Line(name, False, "Off: choose metrics. Alerts and a dashboard come with Compose.")
    if trial is None:
        return Line(name, False, UNTRIED)
    if not trial.counted:
        return Line(name, False, "/metrics did not tell of the requests that were answered.")
    return Line(name, True, "/metrics was asked under load and told of the requests that were answered.")


def _rollback(params: ServiceParams, trial: Trial | None) -> Line:
    name = "Rollback"
    if not params.versions:
        kept = " The original model answers where this one fails." if params.fallback else ""
        return Line(name, False, f"Off: choose versions.{kept}")
    if trial is None:
        return Line(name, False, UNTRIED)
    if not trial.rolled_back:
        return Line(name, False, "Another version was activated and did not answer, or the way back failed.")
    return Line(name, True, "Another version was activated, answered, and was rolled back without a restart.")
