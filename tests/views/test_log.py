"""The log of a run: every event in a sentence."""

from __future__ import annotations

import pytest

from core.domain.events import Event, EventKind
from core.domain.run import RunRequest
from core.store.store import Store
from core.views import event_log, run_view
from core.views.log import sentence
from tests.factories import candidate, model

NAMES = {"base": "FP32 · PyTorch", "a": "INT8 · OpenVINO"}
EXPECTED = {
    EventKind.STARTED: ({}, "The worker began."),
    EventKind.PROPOSED: ({}, "INT8 · OpenVINO: proposed by the search strategy."),
    EventKind.BUILT: ({"step": "export_onnx"}, "INT8 · OpenVINO: ONNX built."),
    EventKind.CACHED: (
        {"steps": ["export_onnx", "gone"]},
        "INT8 · OpenVINO: ONNX, gone found, built before.",
    ),
    EventKind.TRAINING: (
        {"step": "gone", "done": 1200, "total": 4000, "values": {"loss": 0.41234}},
        "INT8 · OpenVINO: gone trained 1,200 of 4,000 steps, loss 0.4123.",
    ),
    EventKind.MEASURED: ({"speedup": 3.214}, "INT8 · OpenVINO: measured, 3.21x the speed of your model."),
    EventKind.REFUSED: ({"message": "No layer."}, "INT8 · OpenVINO: refused. No layer."),
    EventKind.SKIPPED: ({"message": "No time."}, "INT8 · OpenVINO: skipped. No time."),
    EventKind.UNMEASURED: ({"message": "No phone."}, "INT8 · OpenVINO: not measured here. No phone."),
    EventKind.BUILD_FAILED: (
        {"message": "It broke.", "stage": "export_onnx"},
        "INT8 · OpenVINO: building failed in ONNX. It broke.",
    ),
    EventKind.MEASURE_FAILED: ({"code": "old_event"}, "INT8 · OpenVINO: measuring failed. old_event"),
    EventKind.UNMEASURED: (
        {"message": "This is no phone."},
        "INT8 · OpenVINO: not measured here. This is no phone.",
    ),
    EventKind.STRATEGY_FAILED: ({"message": "Why."}, "The search strategy proposes nothing more. Why."),
    EventKind.HEAT: ({"candidates": ["base", "a"]}, "Final heat of your model and INT8 · OpenVINO."),
    EventKind.DONE: ({}, "The run is done."),
    EventKind.FAILED: ({}, "The run failed."),
    EventKind.CANCELLED: ({}, "The run was cancelled."),
    EventKind.INTERRUPTED: ({}, "The worker stopped before the end."),
    EventKind.FINISHING: ({}, "The training was asked to end with its best weights."),
    EventKind.PAUSING: ({}, "The run was asked to pause after this step."),
    EventKind.PAUSED: ({}, "The run was paused."),
    EventKind.RESUMED: ({}, "The run was resumed."),
}


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_is_a_sentence(kind: EventKind) -> None:
    data, said = EXPECTED[kind]
    assert sentence(Event(1, 0.0, kind, "a" if said.startswith("INT8") else "", None, data), NAMES) == said


def test_the_baseline_is_not_so_many_times_as_fast_as_itself() -> None:
    said = sentence(Event(1, 0.0, EventKind.MEASURED, "base", 1.0, {"speedup": 1.04}), NAMES, {"base"})
    assert said == "FP32 · PyTorch: measured, the baseline that all others are held against."


def test_the_log_of_a_run_has_times_and_durations(data_dir: object) -> None:
    with Store() as store:
        store.models.add(model())
        store.runs.create(RunRequest("m"), "a run", [candidate("base", None, 0)], 60.0)
        store.events.append("run", EventKind.STARTED)
        store.events.append("run", EventKind.BUILT, "base", 2.5, step="export_onnx", giga_macs=0.1)
        lines = event_log(run_view(store, "run"))
        assert [(line.text, line.seconds) for line in lines] == [
            ("The worker began.", None),
            ("base: ONNX built.", 2.5),
        ]
        assert all(0 <= line.after_s < 60 for line in lines)
        store.events.append("run", EventKind.DONE)
        assert len(event_log(run_view(store, "run"))) == 3
