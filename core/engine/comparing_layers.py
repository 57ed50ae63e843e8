"""Errors of candidates layer by layer, measured when they are asked for and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from core.bench.quality.layer_errors import DATA, MODEL, ORIGINAL, LayerErrorsRequest
from core.bench.quality.layer_errors import UNIT as COMPARE
from core.datasets.splits import FOR_EVALUATION
from core.domain.layer_errors import LayerErrors
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.engine.building import parts_of, source_artifact
from core.engine.evidence import keep, stored
from core.engine.executors import executor
from core.errors import InvalidRequest, NotFound
from core.registry import get_format, get_runtime, passes
from core.store.store import Store
from core.work.stop import Stop
from core.work.unit import Progress, unheard

FILE = "layer_errors.json"
"""Name of the errors among a candidate's result files."""
HINT = "Choose a candidate that a technique such as INT8 or BF16 made, on ONNX Runtime or OpenVINO."


def stored_layer_errors(store: Store, candidate_id: str) -> LayerErrors | None:
    """Return the errors of a candidate layer by layer as far as they were measured, else None."""
    return stored(store, candidate_id, FILE, LayerErrors)


def not_comparable(store: Store, candidate: Candidate) -> str:
    """Return why the layers of a candidate cannot be held against float, as a sentence; empty if they can."""
    if candidate.result is None:
        return f"{candidate.name} was not measured."
    runtime = get_runtime(candidate.recipe.target.runtime_id)
    if runtime.no_tensors:
        return f"{runtime.name} cannot be looked into: {runtime.no_tensors}"
    chain = _chain(store, candidate)
    found = before_precision(chain)
    if found is None:
        return "No technique of this candidate lowers the precision, so there is no float network to compare."
    original, _ = found
    if original.format not in runtime.formats:
        form = get_format(original.format).name
        return f"{runtime.name} cannot run the network as it was before its precision was lowered: {form}."
    if not original.files or not chain[-1].files:
        return f"The model of {candidate.name} was left where it was measured."
    return ""


def before_precision(chain: Sequence[Artifact]) -> tuple[Artifact, str] | None:
    """Return what an artifact was before the first technique that lowers the precision, and its id.

    Args:
        chain: The artifact and those that it was made of, the source first.
    """
    for before, after in pairwise(chain):
        step = after.step
        technique = passes().get(step.pass_id) if step else None
        if step and technique and technique.leaves(step.params) is not None:
            return before, technique.id
    return None


def layer_errors(
    store: Store,
    candidate_id: str,
    on_progress: Callable[[Progress], None] = unheard,
    stop: Stop | None = None,
    again: bool = False,
) -> LayerErrors:
    """Return the error behind each layer of a candidate, measured now unless it was before.

    Args:
        store: Holds the candidate.
        candidate_id: Which one.
        on_progress: Told what is being done.
        stop: Ends it early.
        again: Measure in any case.

    Raises:
        NotFound: There is no such candidate, or its files are gone.
        InvalidRequest: Its layers cannot be held against float, with the reason.
        RuntimeFailed: The runtime refuses it, or nothing can be compared.
        Cancelled: It was stopped.
    """
    candidate = store.candidates.get(candidate_id)
    if reason := not_comparable(store, candidate):
        raise InvalidRequest(reason, hint=HINT)
    kept = None if again else stored_layer_errors(store, candidate_id)
    if kept is not None:
        return kept
    run, chain = store.runs.get(candidate.run_id), _chain(store, candidate)
    found = before_precision(chain)
    assert found is not None  # `not_comparable` would have said so
    original, step = found
    inputs = {MODEL: chain[-1].files, ORIGINAL: original.files}
    if run.data_id is not None:
        inputs[DATA] = parts_of(store.data.get(run.data_id), FOR_EVALUATION)
    bare = (replace(original, details={}), replace(chain[-1], details={}))
    asked = LayerErrorsRequest(store.models.get(run.request.model_id), *bare, candidate.recipe.target, step)
    unit = COMPARE.unit(asked, inputs=inputs, seed=run.request.seed, cores=candidate.recipe.target.threads)
    made = executor(store, run.request.executor).run(unit, stop or Stop(), on_progress).values
    keep(store, candidate_id, FILE, made)
    return made


def _chain(store: Store, candidate: Candidate) -> list[Artifact]:
    """Return its artifact and those that it was made of, the source first."""
    model = store.models.get(store.runs.get(candidate.run_id).request.model_id)
    chain: list[Artifact] = []
    id = candidate.artifact_id
    while id is not None and id != model.id:
        try:
            chain.append(store.artifacts.get(id))
        except NotFound:
            return chain[::-1]
        id = chain[-1].parent
    return [source_artifact(model), *reversed(chain)]
