"""Equivalent command line and Python code for what was clicked, to be run as shown.

Model and data are named by their ids in the data folder, because the page never learns where a browser's
files lie; a path in their place does the same with another file.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Objective, RunRequest
from core.search.spelling import spell, spell_strategy
from core.settings import PREFIX, Settings, get_settings


def launcher() -> list[str]:
    """Return the words that start the command line of this installation, on this data folder."""
    beside = Path(sys.executable).parent / "whetstone"
    named = ["whetstone"] if shutil.which("whetstone") else [str(beside)]
    found = named if named == ["whetstone"] or beside.exists() else [sys.executable, "-m", "core"]
    folder = get_settings().data_dir
    elsewhere = [] if folder == Settings().data_dir else ["env", f"{PREFIX}DATA_DIR={folder.resolve()}"]
    return [*elsewhere, *found]


def _options(request: RunRequest, data: DataSet | None, recipe: Recipe | None) -> list[tuple[str, object]]:
    limits, given = request.limits, [recipe] if recipe else list(request.recipes)
    options: list[tuple[str, object]] = [("data", data.id)] if data else []
    if request.exports and recipe is None:
        options.append(("to", _spelled(request)))
    else:
        options += [("recipe", spell(each)) for each in given] or [("preset", request.preset)]
    if request.strategy and recipe is None:
        options.append(("strategy", spell_strategy(request.strategy, request.strategy_params)))
    if request.runtimes:
        options.append(("runtimes", ",".join(request.runtimes)))
    if request.metric:
        options.append(("metric", request.metric))
    options.append(("max-drop", "inf" if limits.max_drop is None else limits.max_drop))
    if limits.max_latency_ms is not None:
        options.append(("max-latency", limits.max_latency_ms))
    if limits.max_size_bytes is not None:
        options.append(("max-size", limits.max_size_bytes / 1e6))
    if limits.max_memory_bytes is not None:
        options.append(("max-memory", limits.max_memory_bytes / 1e6))
    if limits.min_throughput is not None:
        options.append(("min-throughput", limits.min_throughput))
    if request.objective is not Objective.LATENCY:
        options.append(("objective", request.objective.value))
    if request.budget_s is not None:
        options.append(("budget", f"{request.budget_s:g}s"))
    options += [("threads", request.threads), ("batch", request.batch)]
    more: list[tuple[str, object]] = [("seed", request.seed), ("executor", request.executor)]
    more += [("measure-on", kind) for kind in _kinds(request, recipe)]
    return [*options, *((name, value) for name, value in more if value)]


def _spelled(request: RunRequest) -> str:
    """Return the exports of a run as ``--to`` takes them."""
    return ",".join(map(str, request.exports))


def _kinds(request: RunRequest, recipe: Recipe | None) -> tuple[str, ...]:
    """Return the kinds of machine to measure on: all of a run, or that of one recipe of it."""
    if recipe is None:
        return request.measure_on
    return (recipe.target.machine,) if recipe.target.machine else ()


def command_for(
    model: SourceModel, data: DataSet | None, request: RunRequest, recipe: Recipe | None = None
) -> str:
    """Return the shell command for a whole run, or for one recipe of it."""
    exports = bool(request.exports) and recipe is None
    words = [*launcher(), "export" if exports else "optimize", model.id]
    for name, value in _options(request, data, recipe):
        words += [f"--{name}", str(value)]
    return shlex.join([*words, "--out", "exported" if exports else "optimized"])


def python_for(
    model: SourceModel, data: DataSet | None, request: RunRequest, recipe: Recipe | None = None
) -> str:
    """Return the lines of Python for a whole run, or for one recipe of it."""
    limits, given = request.limits, [recipe] if recipe else list(request.recipes)
    exports = bool(request.exports) and recipe is None
    what: dict[str, object] = (
        {"recipes": [spell(each) for each in given]} if given else {"preset": request.preset}
    )
    words = {
        "data": data and data.id,
        **({"to": _spelled(request)} if exports else what),
        "strategy": (spell_strategy(request.strategy, request.strategy_params) if recipe is None else "")
        or None,
        "runtimes": list(request.runtimes) or None,
        "metric": request.metric or None,
        "max_latency_ms": limits.max_latency_ms,
        "max_size_bytes": limits.max_size_bytes,
        "max_memory_bytes": limits.max_memory_bytes,
        "min_throughput": limits.min_throughput,
        "objective": None if request.objective is Objective.LATENCY else request.objective.value,
        "budget_s": request.budget_s,
    }
    stated = {name: value for name, value in words.items() if value is not None}
    always = {"max_drop": limits.max_drop, "threads": request.threads, "batch": request.batch}
    kinds = list(_kinds(request, recipe))
    chosen = {"seed": request.seed, "executor": request.executor, "measure_on": kinds}
    seed = {name: value for name, value in chosen.items() if value}
    told = "".join(f"    {name}={value!r},\n" for name, value in (stated | always | seed).items())
    name = "export" if exports else "optimize"
    shown = "[(row.name, row.status) for row in run.candidates]" if exports else "run.recommendation.sentence"
    return f"from core import {name}\n\nrun = {name}(\n    {model.id!r},\n{told})\nprint({shown})\n"


def watch_command(target: str) -> str:
    """Return the shell command that watches a service."""
    return shlex.join([*launcher(), "watch", target])


def watch_python(target: str) -> str:
    """Return the lines of Python that watch a service."""
    return (
        f"from core import watch\n\nfound = watch({target!r})\n"
        "print([alert.message for alert in found.alerts])\n"
    )
