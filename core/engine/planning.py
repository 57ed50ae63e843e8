"""Plan a run: validated before any work, with a count and a time estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from core.domain.measurement import Environment
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Recipe
from core.domain.run import PLANNING, Candidate, CandidateStatus, RunRequest
from core.domain.trial import Trial
from core.engine.executors import executor
from core.errors import BackendMissing, ErrorRecord, InvalidRequest, WhetstoneError
from core.machine.environment import environment
from core.metrics.choice import chosen, usual_drop
from core.params import make
from core.protocols import Pass
from core.protocols.availability import availability
from core.registry import get_executor, get_pass, get_runtime, runtimes
from core.search.costs import BuildCosts
from core.search.estimate import estimate_s
from core.search.factors import DISAGREEMENT
from core.search.memory import check_memory
from core.search.names import recipe_name
from core.search.paths import runs_here
from core.search.presets import baseline
from core.search.proposals import Proposals
from core.serde import digest, to_plain
from core.store.store import Store

SEEDS = 2**31
MOST_THREADS, MOST_BATCH = 256, 4096


@dataclass(frozen=True)
class RunPlan:
    """Candidates of a run, before it starts, with the time they will probably take.

    Attributes:
        candidates: The baseline first, then in order; refused ones are there as skipped, with the reason.
        estimate_s: Expected seconds for all that will be tried, the budget at most.
        most_more: Candidates that the strategy may add at most while the run goes on.
    """

    candidates: tuple[Candidate, ...]
    estimate_s: float
    most_more: int = 0

    @property
    def count(self) -> int:
        """Candidates that will be tried, the baseline not counted."""
        return sum(candidate.tried for candidate in self.candidates)


def check_recipe(model: SourceModel, recipe: Recipe, here: Environment, exported: bool = False) -> None:
    """Refuse a recipe that cannot work, before any work.

    A format that nothing on this machine runs can be built all the same, to be taken to where it runs.

    Args:
        model: The source model.
        recipe: Steps and target.
        here: What is known of the machine.
        exported: It is an export, which is built whether its runtime can run here or not.

    Raises:
        PassNotApplicable: A technique cannot apply to this model or machine.
        BackendMissing: A library of a technique is not installed.
        InvalidRequest: Steps, parameters or runtime do not fit together, or the runtime is not available.
    """
    format_ = model.format
    for step in recipe.steps:
        technique = get_pass(step.pass_id)
        if format_ not in technique.accepts:
            raise InvalidRequest(
                f"{technique.name} takes {' or '.join(sorted(technique.accepts))}, not {format_}.",
                hint="Put an export before it, or choose another technique.",
            )
        _require_libraries(technique)
        technique.requires(model, here, make(technique.Params, step.params))
        format_ = technique.produces[format_]
    check_memory(model, recipe, here.memory_bytes)
    runtime = get_runtime(recipe.target.runtime_id)
    if format_ not in runtime.formats:
        raise InvalidRequest(
            f"{runtime.name} runs {' or '.join(sorted(runtime.formats))}, and this recipe makes {format_}.",
            hint="Choose another runtime or add a conversion.",
        )
    found = runtime.available()
    if not found.ok and not exported and (not recipe.steps or runs_here(format_)):
        raise InvalidRequest(f"{runtime.name} is not available: {found.reason}", hint=found.install)


def _require_libraries(technique: Pass) -> None:
    """Refuse a technique whose libraries are not there; those of a toolchain are installed on demand."""
    found = availability(technique.libraries)
    if not technique.toolchain and not found.ok:
        raise BackendMissing(f"{technique.name} cannot be built here: {found.reason}", hint=found.install)


def candidate_of(
    position: int, model: SourceModel, recipe: Recipe, here: Environment, exported: bool = False
) -> Candidate:
    """Return a candidate that waits for its turn, or one that is skipped with the reason.

    Args:
        position: Within the run.
        model: The source model.
        recipe: For its machine.
        here: What is known of that machine.
        exported: It is an export, see `check_recipe`.
    """
    identity = digest(to_plain(recipe))[:12]
    name = recipe_name(recipe, model.precision)
    try:
        check_recipe(model, recipe, here, exported)
    except WhetstoneError as error:
        record = ErrorRecord(error.code, error.message, error.hint, PLANNING, instead=error.instead)
        return Candidate(identity, "", position, name, recipe, CandidateStatus.SKIPPED, error=record)
    return Candidate(identity, "", position, name, recipe)


def proposals(
    request: RunRequest,
    model: SourceModel,
    here: Environment,
    data: DataSet | None,
    priors: Sequence[Trial] = (),
) -> Proposals:
    """Return what the strategy of `request` proposes on this machine, `priors` being of earlier runs.

    Raises:
        InvalidRequest: A runtime, the strategy, a parameter of it or the metric does not exist.
    """
    wanted = request.runtimes or tuple(
        key for key, each in runtimes().items() if each.available().ok and not each.asked_for
    )
    for name in wanted:
        get_runtime(name)
    metric = chosen(request.metric, model, data)
    point = usual_drop(metric, data) if metric else DISAGREEMENT
    return Proposals(request, model, here, wanted, priors, point)


def machines_of(store: Store, request: RunRequest) -> dict[str, Environment]:
    """Return the kinds of machine that a run measures on; one without a name where the executor chooses.

    Raises:
        InvalidRequest: The executor has no machine of a kind that is asked for.
    """
    if not request.measure_on:
        return {"": environment()}
    known = executor(store, request.executor).machines()
    for kind in request.measure_on:
        if kind not in known:
            raise InvalidRequest(
                f"There is no machine of the kind {kind!r} to measure on.",
                hint=f"Choose among: {', '.join(known) or 'none, as no node declares what it is'}.",
            )
    return {kind: known[kind] for kind in request.measure_on}


def plan(store: Store, request: RunRequest) -> RunPlan:
    """Return what a run of `request` would do, without doing it.

    Raises:
        InvalidRequest: Nothing could be tried, or an option does not exist.
        NotFound: The model or data is not in the store.
        ClusterFailed: The kinds of machine are named, and the cluster does not answer.
    """
    model = store.models.get(request.model_id)
    data = None if request.data_id is None else store.data.get(request.data_id)
    _check_request(request, model)
    machines = machines_of(store, request)
    proposed = [proposals(request, model, here, data) for here in machines.values()]
    listed, more = [baseline(model, request.threads, request.batch)], proposed[0].most
    # What a strategy adds later rests on the first kind alone, so it is what that foresees.
    for each in proposed[:1] if more else proposed:
        listed += [recipe for recipe in each.foreseen(listed[0]) if recipe not in listed]
    made = tuple(
        candidate_of(position, model, recipe.on(machine), here, bool(request.exported(recipe)))
        for position, recipe in enumerate(listed)
        for machine, here in machines.items()
    )
    if made[0].error is not None:
        raise InvalidRequest(f"The baseline cannot run: {made[0].error.message}", hint=made[0].error.hint)
    tried = [candidate.recipe for candidate in made if not candidate.status.final]
    if more and data is not None and not data.search_samples:
        raise InvalidRequest(
            f"{data.name} has no rows to search with: it has few samples, or was added long ago.",
            hint="Give more samples or add the data again; or try only what is listed.",
        )
    costs = BuildCosts(store.events.builds())
    return RunPlan(made, estimate_s(tried, model, request.budget_s, more, costs), more)


def check_numbers(request: RunRequest) -> None:
    """Refuse numbers that no run can have, whatever the model.

    Raises:
        InvalidRequest: Threads, batch, seed, a limit or the budget is out of range, or no number; or there is
            no such executor.
    """
    if not 1 <= request.threads <= MOST_THREADS or not 1 <= request.batch <= MOST_BATCH:
        raise InvalidRequest(
            f"{request.threads} threads at batch {request.batch} is not possible.",
            hint=f"Choose 1 to {MOST_THREADS} threads and a batch from 1 to {MOST_BATCH}.",
        )
    if not 0 <= request.seed <= SEEDS:
        raise InvalidRequest(
            f"The seed {request.seed} is not possible.", hint=f"Choose a whole number from 0 to {SEEDS:,}."
        )
    limits = request.limits
    if limits.max_drop is not None and not 0 <= limits.max_drop < inf:
        raise InvalidRequest(
            f"A max accuracy drop of {limits.max_drop:g} is not possible.", hint="Choose a number from 0 on."
        )
    for name, value in (
        ("largest latency", limits.max_latency_ms),
        ("largest size", limits.max_size_bytes),
        ("largest memory", limits.max_memory_bytes),
        ("least throughput", limits.min_throughput),
        ("time budget", request.budget_s),
    ):
        if value is not None and not 0 < value < inf:
            raise InvalidRequest(
                f"A {name} of {value:g} is not possible.", hint="Choose a number above 0, or leave it out."
            )
    if request.executor:
        get_executor(request.executor)


def _check_request(request: RunRequest, model: SourceModel) -> None:
    check_numbers(request)
    fixed = model.fixed_batch
    if fixed is not None and request.batch != fixed:
        raise InvalidRequest(
            f"{model.name} takes a batch of {fixed} only, not {request.batch}.",
            hint="Export it with a dynamic batch dimension, or choose that batch.",
        )
