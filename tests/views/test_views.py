"""Rows, the result file and the spelled commands, out of a store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.model import DataSet, FileRef
from core.domain.recipe import Artifact, Step
from core.domain.run import PLANNING, CandidateStatus, Limits, RunRequest
from core.engine import RunPlan
from core.errors import ErrorRecord
from core.insights.recommendation import recommend
from core.store.store import Store
from core.views import best_of, explain, model_view, results, run_view, runs, ties
from core.views.results import UNMEASURED
from core.views.rows import Row, rows
from tests.factories import candidate, model, result

INT8 = (Step("export_onnx"), Step("int8_static_ort"))


@pytest.fixture
def store() -> Store:
    """Return a store with a run of three candidates, one not measured."""
    store = Store()
    store.models.add(model())
    planned = [
        candidate("base", result(1.0), 0),
        candidate("fast", result(4.0), 1, INT8),
        candidate("lossy", result(8.0, drop=(5.0, 4.0, 6.0)), 2),
        candidate("waiting", None, 3),
    ]
    store.runs.create(RunRequest("m", limits=Limits(1.0)), "a run", planned, 60.0)
    return store


def judged(limits: Limits) -> tuple[Row, ...]:
    everyone = [candidate("base", result(1.0), 0), candidate("a", result(4.0)), candidate("b", result(4.05))]
    return rows(everyone, limits, recommend(everyone, limits))


def test_overlapping_speed_ups_are_ties_and_say_so() -> None:
    base, one, other = judged(Limits(1.0))
    assert [ties(row, (base, one, other)) for row in (base, one, other)] == [(), ("b",), ("a",)]
    assert "As fast as the recommended" in one.why


def test_moving_the_limits_moves_the_recommendation(store: Store) -> None:
    assert run_view(store, "run").recommendation.candidate_id == "fast"
    assert run_view(store, "run", Limits(6.0)).recommendation.candidate_id == "lossy"
    assert run_view(store, "run", Limits(-1.0)).recommendation.near_miss == "fast"


def test_the_front_holds_what_nothing_beats(store: Store) -> None:
    view = run_view(store, "run")
    assert [each.on_front for each in view.candidates] == [False, True, True, False]
    assert (view.progress.done, view.progress.total) == (2, 3)


def test_the_result_file_has_every_key_for_every_candidate(store: Store) -> None:
    found = results(store, run_view(store, "run"), {"fast": "artifacts/fast.onnx"})
    assert found["recommended"] == "fast"
    assert found["model"]["inputs"] == [{"name": "input", "dtype": "float32", "shape": ["batch", 3, 32, 32]}]
    wanted = {"id", "name", "status", "recipe", "error", "artifact", "on_front", "findings", *UNMEASURED}
    for each in found["candidates"]:
        assert wanted <= set(each)
    measured = {"doubt", "rounds", "starts", "moments", "disturbed", "throughput_ci", "throughput_gain"}
    assert measured <= set(found["candidates"][1])
    told = found["candidates"][1]["findings"]
    assert {"id", "kind", "seen", "why", "advice", "figure", "stake", "recipe"} == set(told[0])
    assert found["candidates"][1]["artifact"] == "artifacts/fast.onnx"
    assert found["candidates"][1]["recipe"]["steps"][1] == {"pass": "int8_static_ort", "params": {}}


def test_what_the_plan_refused_counts_nowhere(store: Store) -> None:
    refused = ErrorRecord("pass_not_applicable", "It has no convolution.", "", PLANNING)
    rows = [
        replace(candidate("base2", None, 0), run_id="other"),
        replace(candidate("one", None, 1), run_id="other"),
        replace(candidate("two", None, 2), run_id="other", status=CandidateStatus.SKIPPED, error=refused),
    ]
    store.runs.create(RunRequest("m"), "other", rows, 60.0)
    assert RunPlan(tuple(rows), 60.0).count == run_view(store, "other").progress.total == 1
    assert next(each.total for each in runs(store) if each.id == "other") == 1


def test_a_queued_run_waits_for_those_ahead_and_counts_down_once_at_work(store: Store) -> None:
    other = replace(candidate("base2", None, 0), run_id="other")
    store.runs.create(RunRequest("m"), "other", [other], 40.0)
    assert run_view(store, "run").progress.remaining_s == 60.0
    assert run_view(store, "other").progress.remaining_s == 100.0
    store.work.claim("me")
    store.work.heartbeat("run", "me", 25.0)
    assert run_view(store, "run").progress.remaining_s == pytest.approx(35.0, abs=1)
    assert run_view(store, "other").progress.remaining_s == pytest.approx(75.0, abs=1)
    store.work.set_stage("run", "me", "Measuring", 90.0)
    assert run_view(store, "run").progress.remaining_s == pytest.approx(65.0, abs=1)
    store.work.heartbeat("run", "me", 300.0)
    assert run_view(store, "run").progress.remaining_s == 0.0


def test_history_shows_the_best(store: Store) -> None:
    (summary,) = runs(store)
    assert (summary.done, summary.total, best_of(store, summary)) == (2, 3, "4.0x · fast")


def test_a_candidate_is_explained_with_its_steps_and_commands(store: Store) -> None:
    view = explain(store, "fast")
    assert ["calibration" in step.params for step in view.steps] == [False, True]
    assert "--recipe export_onnx+int8_static_ort@onnxruntime" in view.command
    assert "recipes=['export_onnx+int8_static_ort@onnxruntime']" in view.python


def test_an_option_of_the_same_files_does_not_repeat_the_details_of_the_step_before(store: Store) -> None:
    counted = {"nodes": 3}
    store.artifacts.save(Artifact("a", None, None, "pt2", ()))
    store.artifacts.save(Artifact("b", "a", INT8[0], "onnx", (), details=counted))
    store.artifacts.save(Artifact("c", "b", INT8[1], "onnx", (), {"precision": "bf16"}, counted))
    store.work.claim("me")
    store.candidates.save(replace(store.candidates.get("fast"), artifact_id="c"), "me")
    assert [step.details for step in explain(store, "fast").steps] == [counted, {}]


def test_each_technique_says_whether_it_applies(store: Store) -> None:
    store.models.add(model("onnx", id="o"))
    techniques = {each.id: each for each in model_view(store, "o").techniques}
    assert techniques["int8_static_ort"].applicable
    assert "export_onnx" not in techniques
    assert not techniques["export_torchscript"].applicable
    assert "this model is ONNX" in techniques["export_torchscript"].reason


def test_runtimes_are_told_by_what_leads_to_them(store: Store) -> None:
    store.models.add(model("onnx", id="o"))
    view = model_view(store, "o")
    techniques = {each.id: each for each in view.techniques}
    assert {"onnxruntime", "openvino"} <= set(view.runtimes) == set(techniques["fp16"].runtimes)
    assert "pytorch" not in view.runtimes
    assert set(techniques["int8_static_ort"].runtimes) == set(view.runtimes)
    assert {"pytorch", "torchscript", *view.runtimes} <= set(techniques["fine_tune"].runtimes)


def test_no_more_samples_were_calibrated_on_than_there_were(store: Store) -> None:
    step = explain(store, "fast").steps[1]
    assert step.params["samples"] == 64
    data = DataSet("d", "few", (), ("input",), 15, 45, labelled=True)
    store.data.add(data)
    store.work.claim("me")
    store.work.set_data("run", "me", "d")
    assert explain(store, "fast").steps[1].params["samples"] == 15


def test_a_technique_for_double_precision_is_told_of_where_there_is_some(store: Store) -> None:
    told = {}
    for precision in ("FP32", "FP64"):
        store.models.add(replace(model("onnx"), id=precision, precision=precision))
        told[precision] = "double_to_float" in {row.id for row in model_view(store, precision).techniques}
    assert told == {"FP32": False, "FP64": True}


def test_what_nothing_here_runs_shows_the_size_of_its_files(store: Store) -> None:
    files = (FileRef("model.tflite", "0" * 64, 1200),)
    store.artifacts.save(Artifact("built", "m", None, "tflite", files))
    phone = replace(
        candidate("phone", None, 1), status=CandidateStatus.UNMEASURED, artifact_id="built", run_id="other"
    )
    own = replace(candidate("own", result(1.0), 0), run_id="other")
    store.runs.create(RunRequest("m"), "other", [own, phone], 1.0)
    view = run_view(store, "other")
    assert view.candidates[1].size_bytes == 1200
    assert results(store, view)["candidates"][1]["size_bytes"] == 1200


def test_an_export_of_a_pytorch_model_leads_to_its_runtime(store: Store) -> None:
    store.models.add(model("pt2", id="p"))
    assert "litert" in model_view(store, "p").runtimes
