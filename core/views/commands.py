"""The command and the lines of Python that do what was clicked."""

from __future__ import annotations

import shlex

from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Recipe
from core.domain.run import RunRequest
from core.search.spelling import spell

SUFFIX = {"onnx": "onnx", "pt2": "pt2", "torchscript": "pt", "state_dict": "pth"}


def _model_file(model: SourceModel) -> str:
    return f"{model.name}.{SUFFIX[model.format]}"


def _options(request: RunRequest, data: DataSet | None, recipe: Recipe | None) -> list[tuple[str, object]]:
    limits, given = request.limits, [recipe] if recipe else list(request.recipes)
    options: list[tuple[str, object]] = [("data", data.name)] if data else []
    options += [("recipe", spell(each)) for each in given] or [("preset", request.preset)]
    if request.runtimes:
        options.append(("runtimes", ",".join(request.runtimes)))
    options += [
        (name, value)
        for name, value in (
            ("max-drop", limits.max_drop),
            ("max-latency", limits.max_latency_ms),
            ("max-size", limits.max_size_bytes and limits.max_size_bytes / 1e6),
            ("budget", request.budget_s and f"{request.budget_s:g}s"),
        )
        if value is not None
    ]
    return [*options, ("threads", request.threads), ("batch", request.batch)]


def command_for(
    model: SourceModel, data: DataSet | None, request: RunRequest, recipe: Recipe | None = None
) -> str:
    """Return the shell command for a whole run, or for one recipe of it."""
    words = ["python", "-m", "core", "optimize", _model_file(model)]
    for name, value in _options(request, data, recipe):
        words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, "--out", "optimized"])


def python_for(
    model: SourceModel, data: DataSet | None, request: RunRequest, recipe: Recipe | None = None
) -> str:
    """Return the lines of Python for a whole run, or for one recipe of it."""
    given = [recipe] if recipe else list(request.recipes)
    words = [repr(_model_file(model))]
    if data is not None:
        words.append(f"data={data.name!r}")
    words.append(f"recipes={[spell(each) for each in given]!r}" if given else f"preset={request.preset!r}")
    words.append(f"max_drop={request.limits.max_drop!r}")
    if request.budget_s is not None:
        words.append(f"budget_s={request.budget_s:g}")
    words += [f"threads={request.threads}", f"batch={request.batch}"]
    call = f"run = optimize({', '.join(words)})"
    return f"from core import optimize\n\n{call}\nprint(run.recommendation.sentence)\n"
