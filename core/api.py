"""Python API: `optimize`, and what it returns.

from core import optimize

run = optimize("model.pt2", data="photos.zip", max_drop=1.0)
print(run.recommendation.sentence)
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from core.archives.zips import extract_zip
from core.domain.export import Export
from core.domain.layer_errors import LayerErrors
from core.domain.model import SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Candidate, Limits, Objective, RunRequest
from core.domain.service import Trial
from core.domain.watching import Watched
from core.engine import (
    add_data,
    add_model,
    cancel,
    check_numbers,
    kit_path,
    open_store,
    recover,
    require_trial,
    submit,
    sweep,
    sweep_wanted,
    try_service,
)
from core.engine import layer_errors as errors_of_layers
from core.engine import profile as profile_candidate
from core.engine.profiling import not_profilable
from core.engine.watching import LOOK_BACK_S
from core.engine.watching import watch as watch_service
from core.errors import InvalidRequest, NotFound
from core.metrics.choice import chosen as chosen_metric
from core.metrics.choice import usual_drop
from core.packagers.serving.options import Features, Packaging, switched_on
from core.params import make
from core.protocols import InspectOptions
from core.registry import get_packager, packagers
from core.search import recipe_files
from core.search.exports import export_recipe, parse_exports
from core.search.spelling import parse, parse_strategy, spell_packager
from core.store.store import Store
from core.views import RunView, run_view
from core.views.profile import ProfileView, profile_view
from core.work.unit import Progress as WorkProgress
from core.work.unit import unheard

AUTO: Literal["auto"] = "auto"
POLL_S = 0.3
PATIENCE_S = 5.0


@dataclass(frozen=True)
class Deployment:
    """A service that was made of a candidate.

    Attributes:
        candidate_id: Which one.
        spelled: Kind of service with its options, as `core.search.spelling.parse_packager` reads it.
        folder: Where it was written to; None where it was not.
        trial: What came of trying it; None where it was not tried.
    """

    candidate_id: str
    spelled: str
    folder: Path | None
    trial: Trial | None


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


def follow(store: Store, run_id: str, on_change: Callable[[RunView], None] | None = None) -> RunView:
    """Wait until a run ends; an interrupt from the keyboard cancels it.

    Args:
        store: Holds the run.
        run_id: Which run.
        task: One of `core.domain.model.TASKS`, where the model does not tell.
        code: Python files that define the network of bare weights; run once, confined.
        build: The call in them that builds it, such as ``Net(width=32)``.
        on_change: Told of each new state.
    """
    seen, checked = -1, time.monotonic()
    try:
        while True:
            run = store.runs.get(run_id)
            if run.revision != seen:
                seen = run.revision
                if on_change is not None:
                    on_change(run_view(store, run_id))
            if not run.status.active:
                return run_view(store, run_id)
            if time.monotonic() - checked > PATIENCE_S:
                recover(store)
                checked = time.monotonic()
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        cancel(store, run_id)
        raise


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
    if train is not None and data is None:
        raise InvalidRequest("There are data to train on and none to test on.", hint="Name the data, too.")
    prepared = add_data(store, data, described, seed=seed, training=train) if data is not None else None
    judged_by = chosen_metric(metric, described, prepared)
    if max_drop == AUTO:
        limits = replace(request.limits, max_drop=usual_drop(judged_by, prepared))
        request = replace(request, limits=limits)
    rows = described.fixed_batch or 1 if batch is None else batch
    exports_first = sorted(recipes, key=lambda each: not isinstance(each, Export))
    request = replace(
        request,
        model_id=described.id,
        data_id=prepared.id if prepared else None,
        recipes=tuple(_recipe(each, described, threads, rows) for each in exports_first),
        batch=rows,
    )
    run = submit(store, request, spent_s=time.monotonic() - began)
    return follow(store, run.id, on_change)


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


def run_of(store: Store, run: str | Path) -> str:
    """Return the id of a run that is named by it, or by the folder that ``optimize --out`` wrote.

    Raises:
        InvalidRequest: The folder holds no results of this version.
        NotFound: There is no such run.
    """
    file = Path(run) / "results.json"
    if file.is_file():
        try:
            named = json.loads(file.read_text(encoding="utf8"))["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(
                f"{file} does not name its run.", hint="Name the run by its id, as `whetstone runs` lists it."
            ) from error
        run = named["id"] if isinstance(named, dict) else named
    elif Path(run).is_dir():
        raise InvalidRequest(
            f"There is no results.json in {run}.", hint="Name the folder of --out, or an id."
        )
    return store.runs.get(str(run)).id


def measured_candidate(store: Store, run_id: str, named: str = "") -> Candidate:
    """Return a measured candidate of a run by its id, the beginning of its id, or its name.

    Args:
        store: Holds the run.
        run_id: Its id.
        named: Which candidate; the recommended one, else the fastest, if empty.

    Raises:
        NotFound: There is none, with those that there are.
        InvalidRequest: It was not measured.
    """
    everyone = store.candidates.list(run_id)
    done = [each for each in everyone if each.result is not None]
    if not named:
        chosen = run_view(store, run_id).recommendation.candidate_id if done else None
        fastest = min(done, key=lambda each: each.result.timing.latency.p50, default=None)  # type: ignore[union-attr]
        found = next((each for each in done if each.id == chosen), fastest)
    else:
        exact = (each for each in everyone if named in (each.id, each.name))
        begun = [each for each in everyone if each.id.startswith(named)]
        found = next(exact, begun[0] if len(begun) == 1 else None)
    if found is None:
        known = "; ".join(f"{each.id} {each.name}" for each in done) or "none yet"
        raise NotFound(
            f"The run {run_id} has no measured candidate {named}.".replace(" .", "."),
            hint=f"Measured are: {known}.",
        )
    if found.result is None:
        raise InvalidRequest(
            f"{found.name} was not measured, so there is nothing to profile.",
            hint=f"Measured are: {'; '.join(f'{each.id} {each.name}' for each in done) or 'none yet'}.",
        )
    return found


def layer_errors(
    run: str | Path,
    candidate: str = "",
    *,
    again: bool = False,
    on_progress: Callable[[WorkProgress], None] = unheard,
    store: Store | None = None,
) -> LayerErrors:
    """Return behind which layers the values of a measured candidate part from those in float.

    Args:
        run: Id of the run, or the folder that ``optimize --out`` wrote.
        candidate: Id or name; the recommended one, else the fastest, if empty.
        again: Compare anew in any case.
        on_progress: Told what is being done.
        store: That holds the run; the configured one by default.

    Raises:
        InputError: The candidate's layers cannot be held against float, with the reason.
        NotFound: There is no such run or candidate.
    """
    store = store or open_store()
    found = measured_candidate(store, run_of(store, run), candidate)
    return errors_of_layers(store, found.id, on_progress, again=again)


def profile(
    run: str | Path,
    candidate: str = "",
    *,
    again: bool = False,
    on_progress: Callable[[WorkProgress], None] = unheard,
    store: Store | None = None,
) -> ProfileView:
    """Return where the time of a measured candidate goes, layer by layer, beside the baseline.

    What was profiled on this machine before is not profiled again.

    Args:
        run: Id of the run, or the folder that ``optimize --out`` wrote.
        candidate: Id or name; the recommended one, else the fastest, if empty.
        again: Make new profiles in any case.
        on_progress: Told what is being done.
        store: That holds the run; the configured one by default.

    Raises:
        InputError: The candidate was not measured, or its runtime has no profiler.
        NotFound: There is no such run or candidate.
    """
    store = store or open_store()
    run_id = run_of(store, run)
    found = measured_candidate(store, run_id, candidate)
    made = profile_candidate(store, found.id, on_progress, again=again)
    everyone = store.candidates.list(run_id)
    baseline = next(each for each in everyone if each.machine == found.machine)
    if baseline.id == found.id or not_profilable(baseline):
        return profile_view(made)
    return profile_view(made, profile_candidate(store, baseline.id, on_progress, again=again))


def deploy(
    run: str | Path,
    candidate: str = "",
    *,
    kind: str = "fastapi",
    features: Sequence[str] = (),
    package: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    canary: str = "",
    shadow: str = "",
    out: str | Path | None = None,
    trying: bool = False,
    on_progress: Callable[[WorkProgress], None] = unheard,
    store: Store | None = None,
) -> Deployment:
    """Make a service of a measured candidate.

    Args:
        run: Id of the run, or the folder that ``optimize --out`` wrote.
        candidate: Id or name; the recommended one, else the fastest, if empty.
        kind: Id of the kind of service, such as ``fastapi``.
        features: What it does besides answering, such as ``cache`` and ``auth``. For ``batching`` the
            throughput of other batches is measured first, where it was not.
        package: What runs it elsewhere, such as ``docker`` and ``k8s``.
        options: Other options of the service by name.
        canary: Id or name of another candidate of the run, which a share of the callers gets until it has
            proven itself; it comes with ``versions`` and ``auth``.
        shadow: Id or name of one that is asked the same, answers nobody, and is compared.
        out: Folder to write it to, which must not be there; None writes nothing.
        trying: Start it confined on this machine, ask it, load it and stop it first; what comes of it goes
            into its checklist.
        on_progress: Told what is being done.
        store: That holds the run; the configured one by default.

    Raises:
        InputError: Options do not exist or contradict each other, or the candidate makes no service.
        NotFound: There is no such run or candidate.
        WhetstoneError: It was tried and did not start or answer.
    """
    store = store or open_store()
    found = measured_candidate(store, run_of(store, run), candidate)
    packager = get_packager(kind)
    if not packager.deploys:
        known = ", ".join(each.id for each in packagers().values() if each.deploys)
        raise InvalidRequest(f"{packager.name} is no service.", hint=f"Services: {known}.")
    if trying:
        require_trial(packager)
    params = {**switched_on(Features, features), **switched_on(Packaging, package), **(options or {})}
    params |= _second(store, found.run_id, canary, shadow)
    make(packager.Params, params)
    folder = Path(out) if out is not None else None
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(f"{folder} is there already.", hint="Name another folder, or remove it.")
    spelled = spell_packager(kind, params)
    if sweep_wanted(store, found.id, spelled):
        sweep(store, found.id, on_progress)
    trial = try_service(store, found.id, spelled, on_progress) if trying else None
    path = kit_path(store, found.id, spelled)
    if folder is not None:
        extract_zip(path, folder)
    return Deployment(found.id, spelled, folder, trial)


def _second(store: Store, run_id: str, canary: str, shadow: str) -> dict[str, Any]:
    """Return the options of a service with a second version."""
    wanted = {name: measured_candidate(store, run_id, name).id for name in (canary, shadow) if name}
    if len(set(wanted.values())) > 1:
        raise InvalidRequest(
            "A service has one second version.", hint="Name the same candidate as canary and shadow."
        )
    chosen: dict[str, Any] = {"second": min(wanted.values())} if wanted else {}
    chosen |= dict.fromkeys(("canary", "versions", "auth"), True) if canary else {}
    return chosen | ({"shadow": True} if shadow else {})


def watch(
    target: str | Path, *, key: str = "", seconds: float = LOOK_BACK_S, store: Store | None = None
) -> Watched:
    """Return what a service does: traffic, latency, predictions, drift by feature, accuracy, alerts.

    Args:
        target: Address of a running service, or path of its prediction log or of its folder.
        key: API key, where the service asks for one.
        seconds: How far back a log is looked at.
        store: Has room for the work; the configured one by default.

    Raises:
        InputError: Nothing answers there, or something else than a service with a prediction log.
        NotFound: There is no such log.
    """
    return watch_service(store or open_store(), str(target), key, seconds)
