"""Runs: optimizing a model, and exporting it to deployment targets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from core.api.following import follow
from core.domain.export import Export
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Limits, Objective, RunRequest
from core.engine import add_data, add_model, check_numbers, open_store, submit
from core.errors import InvalidRequest
from core.metrics.choice import chosen as chosen_metric
from core.metrics.choice import usual_drop
from core.protocols import InspectOptions
from core.search import recipe_files
from core.search.exports import export_recipe, parse_exports
from core.search.spelling import parse, parse_strategy
from core.store.store import Store
from core.views import RunView

AUTO: Literal["auto"] = "auto"


class RunOptions(TypedDict, total=False):
    """Options of `optimize` that `export` has, too."""

    metric: str
    max_latency_ms: float | None
    max_size_bytes: int | None
    max_memory_bytes: int | None
    min_throughput: float | None
    budget_s: float | None
    threads: int
    batch: int | None
    seed: int
    executor: str
    measure_on: Sequence[str]
    architecture: str
    shapes: Mapping[str, tuple[int, ...]] | None
    task: str
    code: Sequence[str | Path]
    build: str
    on_change: Callable[[RunView], None] | None
    store: Store | None


def optimize(
    model: str | Path,
    data: str | Path | None = None,
    *,
    preset: str = "quick",
    recipes: Sequence[str | Path | Recipe | Export] = (),
    strategy: str = "",
    runtimes: Sequence[str] = (),
    metric: str = "",
    max_drop: float | Literal["auto"] | None = AUTO,
    max_latency_ms: float | None = None,
    max_size_bytes: int | None = None,
    max_memory_bytes: int | None = None,
    min_throughput: float | None = None,
    objective: str = Objective.LATENCY.value,
    budget_s: float | None = None,
    threads: int = 1,
    batch: int | None = None,
    seed: int = 0,
    executor: str = "",
    measure_on: Sequence[str] = (),
    architecture: str = "",
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    task: str = "",
    code: Sequence[str | Path] = (),
    build: str = "",
    on_change: Callable[[RunView], None] | None = None,
    store: Store | None = None,
    train: str | Path | None = None,
) -> RunView:
    """Build and measure optimized versions of a model and return the finished run.

    Args:
        model: ONNX, torch.export, TorchScript or state-dict file, or the id of a model in the store.
        data: File, folder, name of a built-in set or id of a data set in the store; None measures fidelity
            on random inputs.
        preset: ``quick``, ``balanced`` or ``thorough``; ignored where `recipes` are given.
        recipes: Recipes, their spelling such as ``export_onnx+int8_static_ort@onnxruntime``, or YAML files;
            for the steps of a file the conversions that the model needs are put in. Exports, too, see
            `export`.
        strategy: Search strategy with its parameters, such as ``search:most=8``, which adds candidates while
            results come in; by default those of the preset, or `recipes`, are all.
        runtimes: Ids of the runtimes to consider; all available ones by default.
        metric: Id of the metric to hold outputs against labels, such as ``macro_f1``; by default the task's.
        max_drop: Max drop of the metric: in points of a share such as accuracy, else in its own unit; None
            for no limit. ``auto`` is 1 point, or what hardly matters in the metric's unit: for MAE and RMSE
            1 % of the targets' standard deviation.
        max_latency_ms: Largest median latency.
        max_size_bytes: Largest artifact.
        max_memory_bytes: Highest peak of memory above the empty runtime.
        min_throughput: Least samples per second, at whichever measured batch size gives the most.
        objective: What is best within the limits: ``latency``, ``throughput``, ``size`` or ``memory``.
        budget_s: Seconds in all, reading the model and the data included.
        threads: Threads of every runtime.
        batch: Samples per call for latency; by default 1, or the only number that the model takes.
        seed: Of every random choice.
        executor: Who builds and measures; by default the one that WHETSTONE_EXECUTOR names.
        measure_on: Kinds of machine to measure everything on, as `doctor` lists the nodes of a cluster; by
            default one, of the executor's choice. The run is returned as it was on the first, with the same
            run on the other kinds in `RunView.others`.
        architecture: Of a state dict, where its keys do not tell.
        shapes: Example shape by input name, where the file does not tell.
        task: What the model does, such as ``image-classification``, where that is not what it looks like.
        code: Python files that define the network whose weights `model` holds; they run confined, once.
        build: How it is built of them, such as ``Net(width=32)``.
        on_change: Told of each new state while the run goes on.
        store: Where to keep everything; the configured one by default.
        train: File or folder of a training set for techniques that train; rows that test are left out of it.

    Raises:
        InputError: Model, data or options cannot be used.
    """
    began = time.monotonic()
    chosen, params = parse_strategy(strategy)
    request = RunRequest(
        model_id="",
        preset=preset,
        strategy=chosen,
        strategy_params=params,
        runtimes=tuple(runtimes),
        metric=metric,
        limits=Limits(
            1.0 if max_drop == AUTO else max_drop,
            max_latency_ms,
            max_size_bytes,
            max_memory_bytes,
            min_throughput,
        ),
        budget_s=budget_s,
        threads=threads,
        batch=1 if batch is None else batch,
        seed=seed,
        executor=executor,
        objective=_objective(objective),
        measure_on=tuple(dict.fromkeys(measure_on)),
        exports=tuple(each for each in recipes if isinstance(each, Export)),
    )
    check_numbers(request)
    store = store or open_store()
    stated = InspectOptions("", architecture, dict(shapes or {}), task, build)
    files = [Path(each) for each in code]
    described = add_model(store, Path(model), stated, beside=True, code=files, exposed=False)
    prepared = _prepared(store, described, data, train, seed)
    request = _fitted(request, described, prepared, recipes, usual=max_drop == AUTO, batch=batch)
    run = submit(store, request, spent_s=time.monotonic() - began)
    return follow(store, run.id, on_change)


def _prepared(
    store: Store, model: SourceModel, data: str | Path | None, train: str | Path | None, seed: int
) -> DataSet | None:
    """Return the data set for `model`, None without one."""
    if data is not None:
        return add_data(store, data, model, seed=seed, training=train)
    if train is not None:
        raise InvalidRequest("There are data to train on and none to test on.", hint="Name the data, too.")
    return None


def _fitted(
    request: RunRequest,
    model: SourceModel,
    data: DataSet | None,
    recipes: Sequence[str | Path | Recipe | Export],
    *,
    usual: bool,
    batch: int | None,
) -> RunRequest:
    """Return `request` for this model and data.

    Args:
        request: Without what depends on them.
        model: What is optimized.
        data: What it is evaluated on; None for random inputs.
        recipes: As given to `optimize`.
        usual: Whether the metric's usual limit holds instead of the request's.
        batch: Samples per call; None for 1, or the only number that the model takes.
    """
    metric = chosen_metric(request.metric, model, data)
    drop = usual_drop(metric, data) if usual else request.limits.max_drop
    rows = model.fixed_batch or 1 if batch is None else batch
    # The recipes of exports come first, in the order of `request.exports`.
    exports_first = sorted(recipes, key=lambda each: not isinstance(each, Export))
    return replace(
        request,
        model_id=model.id,
        data_id=data.id if data else None,
        recipes=tuple(_recipe(each, model, request.threads, rows) for each in exports_first),
        limits=replace(request.limits, max_drop=drop),
        batch=rows,
    )


def export(
    model: str | Path,
    to: str | Sequence[str],
    data: str | Path | None = None,
    *,
    max_drop: float | Literal["auto"] | None = None,
    **options: Unpack[RunOptions],
) -> RunView:
    """Build a model for deployment targets, measure what runs here, and return the finished run.

    Every export that runs here is compared with the model on all its outputs; one that lies outside the
    tolerance of its precision is a failed row, see `core.bench.quality.faithfulness`. One that cannot run
    here is built and checked all the same, and says what it needs.

    Args:
        model: As for `optimize`.
        to: Targets with their precisions, such as ``litert:int8_static``, in one text with commas or several;
            a target alone means its default precision. Options stand behind, as in
            ``onnx:fp16:opset=17,weights=beside``: parameters of the techniques that lead there.
        data: As for `optimize`: INT8 needs it for its ranges, and agreement is measured on it.
        max_drop: As for `optimize`; no limit by default.
        options: As for `optimize`.

    Raises:
        InputError: Model, data or options cannot be used, or there is no such target.
    """
    chosen = parse_exports([to] if isinstance(to, str) else to)
    return optimize(model, data, recipes=chosen, max_drop=max_drop, **options)


def _recipe(given: str | Path | Recipe | Export, model: SourceModel, threads: int, batch: int) -> Recipe:
    if isinstance(given, Recipe):
        return given
    if isinstance(given, Export):
        return export_recipe(given, model, threads, batch)
    if isinstance(given, Path) or given.endswith(recipe_files.SUFFIXES):
        return recipe_files.fitted(recipe_files.read(Path(given), threads, batch), model)
    return parse(given, threads, batch)


def _objective(text: str) -> Objective:
    if text not in list(Objective):
        known = ", ".join(Objective)
        raise InvalidRequest(f"There is no objective {text!r}.", hint=f"Choose one of: {known}.")
    return Objective(text)
