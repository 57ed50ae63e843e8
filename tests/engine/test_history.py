"""What a search strategy is told: trials with their time, and earlier runs without what is the test's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.events import EventKind
from core.domain.quality import Quality
from core.domain.run import Limits, Objective, RunRequest, RunStatus
from core.engine.history import history, priors
from core.store.store import Store
from tests.factories import candidate, model, result
from tests.pages import seed

BASELINE = candidate("base", result(1.0, size=4000), 0)


def test_a_trial_has_the_gain_that_is_looked_for_and_the_time_it_took(store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    for seconds in (2.0, 3.5):
        store.events.append("done", EventKind.BUILT, "fast", seconds)
    request = RunRequest("m", limits=Limits(1.0), objective=Objective.SIZE)
    trials = history([BASELINE, candidate("fast", result(3.0))], request, store.events.since("done"))
    assert [trial.seconds for trial in trials] == [0.0, 5.5]
    assert trials[1].gain is not None
    assert trials[1].gain.value == pytest.approx(4.0)
    assert trials[1].speedup is not None
    assert trials[1].speedup.value == 3.0


def test_a_trial_tells_what_of_its_time_was_training(store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    for step, seconds in (("prune_depth", 20.0), ("distill", 300.0), ("export_onnx", 5.0)):
        store.events.append("done", EventKind.BUILT, "fast", seconds, step=step)
    (trial,) = history([candidate("fast", result(3.0))], RunRequest("m"), store.events.since("done"))
    assert (trial.seconds, trial.trained_s) == (325.0, 300.0)


def test_earlier_runs_of_such_models_are_priors_without_losses_of_the_test(store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    measured = store.candidates.list("done")
    store.runs.create(RunRequest(seed.model(store).id), "now", [], 1.0)
    run = replace(store.runs.get("done"), id="now", created=store.runs.get("done").created + 1)
    here = seed.ENVIRONMENT
    network = store.models.get(run.request.model_id)
    found = priors(store, run, network, here)
    assert len(found) == sum(each.result is not None for each in measured[1:]) > 2
    assert all(each.gain is not None and each.loss is None for each in found)
    assert priors(store, run, network, replace(here, cpu="another")) == []
    assert priors(store, run, replace(network, task="other"), here) == []
    assert priors(store, replace(run, created=0.0), network, here) == []


def test_losses_are_those_of_the_search_rows() -> None:
    figures = result(2.0, drop=(9.0, 8.0, 10.0))
    searched = replace(figures, search=Quality(result(2.0, drop=(0.5, 0.0, 1.0)).accuracy, figures.fidelity))
    (_, trial) = history([BASELINE, candidate("c", searched)], RunRequest(model().id), ())
    assert trial.loss == 0.5
    assert trial.within
