"""What to deploy and how, by scenario, out of what was measured; and the files of a service to look at."""

from __future__ import annotations

import shlex
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.recipe import Recipe
from core.domain.run import Result
from core.domain.service import Trial
from core.engine import kit_path, stored_trial
from core.engine.kits import chosen
from core.insights.amounts import time_words
from core.packagers.serving.batches import GAIN
from core.packagers.serving.checklist import Line, lines, measured
from core.packagers.serving.options import Features, Packaging, on
from core.protocols import Packager
from core.registry import formats, passes
from core.store.store import Store
from core.views.commands import launcher
from core.views.rows import Row
from core.views.run import RunView

LARGEST_SHOWN = 200_000
"""Bytes of a file that is shown."""
Measured = Sequence[tuple[Row, Result]]
TEXTS = (
    ".py",
    ".proto",
    ".md",
    ".json",
    ".txt",
    ".yaml",
    ".yml",
    ".conf",
    ".service",
    "Dockerfile",
    ".dockerignore",
)


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
    found: Advice = ADVICE[scenario](rows, view.recommendation.candidate_id)
    return found


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
        ("auth", "rate_limit", "metrics", "log"),
        ("docker",),
    )


def _for_throughput(rows: Measured, _: str | None) -> Advice:
    row, result = max(rows, key=lambda pair: _best_rate(*pair)[1])
    (batch, rate), rates = _best_rate(row, result), _rates(row, result)
    gain, features = rate / rates.get(1, rate), ("auth", "rate_limit", "metrics", "log")
    told = f"{rate:,.0f} samples/s in calls of {batch} on {result.timing.environment.cpu}."
    if gain >= GAIN and batch > 1:
        why = f"Dynamic batching: calls of {batch} give {gain:.1f} times the throughput of single rows."
        return Advice(
            row.id,
            f"{row.name} with dynamic batching, behind replicas.",
            (told, why),
            (*features, "batching"),
            ("docker", "compose"),
        )
    why = "No dynamic batching: larger calls were measured to give no more. Replicas give more."
    if len(rates) == 1:
        why = "Whether larger calls give more was not measured: see Latency on the candidate's page."
    return Advice(row.id, f"{row.name} behind replicas.", (told, why), features, ("docker", "compose"))


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


ADVICE: dict[Scenario, Any] = {
    Scenario.LATENCY: _for_latency,
    Scenario.THROUGHPUT: _for_throughput,
    Scenario.BATCH: _for_batch,
    Scenario.EDGE: _for_edge,
    Scenario.SERVERLESS: _for_serverless,
}


@dataclass(frozen=True)
class ServiceView:
    """A service as it would be written.

    Attributes:
        files: Text by name, those of the adapter and its settings first; what is large or no text is None.
        sizes: Bytes by name.
        checklist: What is shown of it, and what is open.
        trial: What came of trying it; None where it was not.
        command: The same on the command line.
        python: The same in Python.
    """

    files: dict[str, str | None]
    sizes: dict[str, int]
    checklist: tuple[Line, ...]
    trial: Trial | None
    command: str
    python: str


def service_view(store: Store, candidate_id: str, spelled: str) -> ServiceView:
    """Return a service of a candidate, written now if it was not before.

    Raises:
        WhetstoneError: It cannot be written, with the reason.
    """
    candidate, (packager, params) = store.candidates.get(candidate_id), chosen(spelled)
    files, sizes = _files(store, candidate_id, spelled)
    trial = stored_trial(store, candidate_id, packager, params)
    everyone = store.candidates.list(candidate.run_id)
    baseline = next(each for each in everyone if each.machine == candidate.machine)
    if packager.elsewhere:
        ticks = (*measured(candidate, baseline), Line("The running server", False, packager.elsewhere))
    else:
        ticks = lines(candidate, baseline, trial, params)
    spelled_out = (candidate.run_id, candidate_id, packager, params)
    return ServiceView(files, sizes, ticks, trial, _command(*spelled_out), _python(*spelled_out))


def _files(store: Store, candidate_id: str, spelled: str) -> tuple[dict[str, str | None], dict[str, int]]:
    with zipfile.ZipFile(kit_path(store, candidate_id, spelled)) as archive:
        entries = sorted(archive.infolist(), key=lambda each: _rank(each.filename))
        texts = {
            each.filename: archive.read(each).decode(errors="replace")
            if each.filename.endswith(TEXTS) and each.file_size <= LARGEST_SHOWN
            else None
            for each in entries
        }
    return texts, {each.filename: each.file_size for each in entries}


def _rank(name: str) -> tuple[int, str]:
    """Return where a file stands: what is read first, then the core, the packaging and the kits."""
    first = ("README.md", "app.py", "serve.py", "client.py", "service.json")
    if name in first:
        return first.index(name), name
    folders = ("serving/", "Dockerfile", "compose", "k8s/", "systemd/")
    return next((10 + at for at, each in enumerate(folders) if name.startswith(each)), 90), name


def _others(params: Any) -> dict[str, Any]:
    """Return the options that are neither switches nor left as they are."""
    usual, switches = type(params)(), {*on(Features, params), *on(Packaging, params)}
    return {
        name: value
        for name, value in vars(params).items()
        if name not in switches and value != getattr(usual, name)
    }


def _command(run_id: str, candidate_id: str, packager: Packager, params: Any) -> str:
    words = [*launcher(), "deploy", run_id, "--candidate", candidate_id, "--as", packager.id]
    for name, group in (("--with", Features), ("--package", Packaging)):
        if switched := on(group, params):
            words += [name, ",".join(switched).replace("_", "-")]
    for name, value in _others(params).items():
        words += ["--set", f"{name}={value}"]
    return shlex.join([*words, *(["--try"] if packager.serves else []), "--out", "service"])


def _python(run_id: str, candidate_id: str, packager: Packager, params: Any) -> str:
    words = {
        "kind": packager.id,
        "features": on(Features, params),
        "package": on(Packaging, params),
        "options": _others(params),
        "out": "service",
        "trying": bool(packager.serves),
    }
    told = "".join(f"    {name}={value!r},\n" for name, value in words.items() if value)
    return (
        f"from core import deploy\n\nmade = deploy(\n    {run_id!r},\n    {candidate_id!r},\n{told})\n"
        f"print(made.{'trial.overhead_ms' if packager.serves else 'folder'})\n"
    )
