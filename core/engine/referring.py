"""What is watched of a candidate's predictions, on the evaluation data: made when a service asks for it."""

from __future__ import annotations

from core.datasets.build import RANDOM
from core.datasets.splits import Part
from core.domain.model import CLASS_TASKS, FileRef
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.engine.building import parts_of
from core.engine.executors import local
from core.packagers.serving.reference import DATA, MODEL, REFERENCE, ReferenceRequest
from core.packagers.serving.reference import UNIT as REFER
from core.packagers.serving.settings import scores
from core.store.store import Store
from core.work.stop import Stop


def reference(store: Store, candidate: Candidate, artifact: Artifact) -> FileRef | None:
    """Return the reference of a candidate, made on the first demand; None where its run had no data.

    Raises:
        RuntimeFailed: The candidate does not run any more.
    """
    kept = next((file for file in store.results.list(candidate.id) if file.name == REFERENCE), None)
    run = store.runs.get(candidate.run_id)
    data = store.data.get(run.data_id) if run.data_id else None
    if (
        kept is not None
        or data is None
        or data.origin == RANDOM
        or not (rows := parts_of(data, (Part.TEST,)))
    ):
        return kept
    model = store.models.get(run.request.model_id)
    target = candidate.recipe.target
    request = ReferenceRequest(
        model=model,
        artifact=artifact,
        target=target,
        scores=scores(model),
        classes=data.labelled and model.task in CLASS_TASKS and not data.label_shape and not data.numbers,
    )
    inputs = {MODEL: artifact.files, DATA: rows}
    done = local(store).run(REFER.unit(request, inputs=inputs, cores=target.threads), Stop())
    return store.results.keep(candidate.id, done.files[0])
