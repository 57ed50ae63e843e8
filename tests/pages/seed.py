"""Runs in every state, written through the store's own methods. The figures are made up for tests only."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from core.domain.measurement import Environment, Interval, Latency, Timing
from core.domain.model import DataSet, Note, SourceModel, TensorSpec
from core.domain.quality import Accuracy, Fidelity
from core.domain.recipe import Recipe, Step, Target
from core.domain.run import Candidate, CandidateStatus, Limits, Result, RunRequest, RunStatus
from core.errors import ErrorRecord
from core.store.store import Store
from tests.store.values import stored

WORKER = "seed"
ENVIRONMENT = Environment(
    cpu="Test CPU @ 2.90 GHz",
    isa=("avx2", "avx512f", "avx512_vnni"),
    cores=2,
    memory_bytes=8 * 1024**3,
    governor="performance",
    os="Linux 6.8",
    python="3.11.9",
    libraries={"torch": "2.15.0", "onnxruntime": "1.31.1", "openvino": "2026.4.1"},
    load_before=0.2,
    load_after=0.9,
)

# name, passes, runtime, milliseconds, accuracy, megabytes of the file, megabytes of memory
SPECS: Sequence[tuple[str, tuple[str, ...], str, float, float, float, float]] = (
    ("FP32 · PyTorch eager", (), "pytorch", 8.10, 98.4, 3.40, 120),
    ("BF16 · OpenVINO", ("export_onnx",), "openvino", 2.31, 98.4, 3.30, 66),
    ("INT8 static (NNCF) · OpenVINO", ("export_onnx", "int8_static_nncf"), "openvino", 1.55, 98.1, 0.95, 48),
    ("INT8 static · ONNX Runtime", ("export_onnx", "int8_static_ort"), "onnxruntime", 1.68, 98.2, 0.93, 41),
    (
        "INT8 static, entropy · ONNX Runtime",
        ("export_onnx", "int8_static_ort"),
        "onnxruntime",
        1.69,
        98.1,
        0.93,
        41,
    ),
    ("FP32 · ONNX Runtime", ("export_onnx",), "onnxruntime", 4.61, 98.4, 3.30, 60),
    ("FP32 · OpenVINO", ("export_onnx",), "openvino", 4.40, 98.4, 3.30, 70),
    ("INT8 + pruning 30 % · OpenVINO", ("export_onnx", "int8_static_nncf"), "openvino", 1.10, 95.9, 0.52, 40),
    ("INT8 dynamic · ONNX Runtime", ("export_onnx",), "onnxruntime", 9.90, 98.3, 0.94, 52),
)
BROKEN = (
    (
        "FP16 · ONNX Runtime",
        CandidateStatus.FAILED,
        ErrorRecord(
            "runtime_failed",
            "ONNX Runtime has no FP16 kernel for the node /layer1/Conv.",
            "Use BF16 on OpenVINO.",
            "measure",
        ),
    ),
    (
        "INT8 dynamic · OpenVINO",
        CandidateStatus.SKIPPED,
        ErrorRecord(
            "not_applicable", "Dynamic INT8 finds no matrix multiplication here.", "Use static INT8.", "plan"
        ),
    ),
)


def model(store: Store, form: str = "pt2") -> SourceModel:
    """Put a model into the store."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt2"
        path.write_bytes(b"no real weights")
        file = store.blobs.add(path)
    return store.models.add(
        SourceModel(
            id="seed-model",
            name="digits-resnet",
            format=form,
            files=(file,),
            sha256="ab" * 32,
            inputs=(TensorSpec("input", "float32", ("batch", 1, 32, 32)),),
            outputs=(TensorSpec("logits", "float32", ("batch", 10)),),
            symbols={"batch": 2},
            batch_symbol="batch",
            parameters=269_722,
            macs=40_600_000,
            size_bytes=3_400_000,
            task="image-classification",
            classes=10,
            notes=(Note("It has 20 convolutions and one matrix.", "Use static INT8."),),
        )
    )


def data(store: Store) -> DataSet:
    """Put a labelled data set with a preview into the store."""
    items = [{"label": i, "class": str(i), "values": [0.1 * i, 0.5]} for i in range(4)]
    preview = stored(
        store.blobs, json.dumps({"kind": "numbers", "items": items}).encode(), "preview/preview.json"
    )
    prepared = {
        "Set": "Handwritten digits",
        "Layout": "NCHW",
        "Split": "256 for calibration, 899 to evaluate",
    }
    return store.data.add(
        DataSet(
            "seed-data",
            "digits",
            (preview,),
            ("input",),
            256,
            899,
            True,
            tuple("0123456789"),
            "builtin",
            prepared,
        )
    )


def _interval(value: float, share: float) -> Interval:
    return Interval(value, value * (1 - share), value * (1 + share))


def result(
    spec: tuple[str, tuple[str, ...], str, float, float, float, float], labelled: bool, classes: bool = True
) -> Result:
    """Return figures for one of `SPECS`."""
    _, _, _, ms, accuracy, file_mb, memory_mb = spec
    base_ms, base_accuracy, noise = SPECS[0][3], SPECS[0][4], random.Random(7)
    lost = base_accuracy - accuracy
    room = 0.35 + lost / 4
    samples = tuple(noise.gauss(ms, ms * 0.03) for _ in range(200))
    latency = Latency(ms, ms * 1.04, ms * 1.07, None, ms * 1.02, 300, ms * 0.98, ms * 1.02)
    baseline = Latency(
        base_ms, base_ms * 1.04, base_ms * 1.07, None, base_ms * 1.02, 300, base_ms * 0.98, base_ms * 1.02
    )
    rates = {batch: 1000 / ms * (1.9 - 0.9 / batch) for batch in (1, 8, 16, 32)}
    timing = Timing(
        latency,
        baseline,
        _interval(base_ms / ms, 0.03),
        60,
        ms > 9,
        samples,
        rates,
        int(memory_mb * 1e6),
        41.0,
        12.0,
        ENVIRONMENT,
    )
    agreement = Interval(100 - lost * 1.3, 99.0 - lost * 1.5, min(100.0, 100.2 - lost))
    fidelity = Fidelity(agreement if classes else None, 38 - 4 * lost, 0.1 * lost, 899)
    own = Interval(accuracy, accuracy - 1.0, accuracy + 0.8)
    drop = Interval(lost, lost - room, lost + room)
    quality = Accuracy("top1", accuracy, drop, 899, int(14 * lost), 0.3, own)
    return Result(timing, quality if labelled else None, fidelity, int(file_mb * 1e6))


def _planned(run_id: str) -> list[Candidate]:
    made = [
        Candidate(f"{run_id}-{at}", run_id, at, spec[0], Recipe(tuple(map(Step, spec[1])), Target(spec[2])))
        for at, spec in enumerate(SPECS)
    ]
    for name, _, _ in BROKEN:
        at = len(made)
        made.append(
            Candidate(
                f"{run_id}-{at}", run_id, at, name, Recipe((Step("export_onnx"),), Target("onnxruntime"))
            )
        )
    return made


def run(
    store: Store,
    run_id: str,
    status: RunStatus,
    *,
    done: int = len(SPECS),
    labelled: bool = True,
    classes: bool = True,
    limits: Limits | None = None,
) -> str:
    """Put a run into the store, `done` of its candidates measured, and leave it in `status`."""
    request = RunRequest(model(store).id, data(store).id if labelled else None, limits=limits or Limits())
    candidates = _planned(run_id)
    store.runs.create(request, f"digits-resnet · {run_id}", candidates, 95.0)
    if status is RunStatus.QUEUED:
        return run_id
    store.work.claim(WORKER)
    for candidate, spec in zip(candidates[:done], SPECS, strict=False):
        measured = replace(
            candidate,
            status=CandidateStatus.DONE,
            artifact_id="a" * 64,
            result=result(spec, labelled, classes),
        )
        store.candidates.save(measured, WORKER)
    if done == len(SPECS):
        for candidate, (_, end, error) in zip(candidates[done:], BROKEN, strict=True):
            store.candidates.save(replace(candidate, status=end, error=error), WORKER)
    store.work.heartbeat(run_id, WORKER, 8.0 * done)
    if status is RunStatus.RUNNING:
        store.candidates.save(
            replace(candidates[done], status=CandidateStatus.MEASURING, stage="measure"), WORKER
        )
        store.work.set_stage(run_id, WORKER, f"Measuring {candidates[done].name}")
        return run_id
    error = ErrorRecord(
        "runtime_failed",
        "The baseline cannot run: PyTorch refuses an input of this shape.",
        "Set the example shape.",
        "baseline",
        "Traceback (most recent call last): test",
    )
    store.work.finish(run_id, WORKER, status, error if status is RunStatus.FAILED else None)
    return run_id


def everything(store: Store) -> None:
    """Put one run of each state into the store."""
    run(store, "failed", RunStatus.FAILED, done=0)
    run(store, "cancelled", RunStatus.CANCELLED, done=4)
    run(store, "interrupted", RunStatus.INTERRUPTED, done=5)
    run(store, "unlabelled", RunStatus.DONE, labelled=False)
    run(store, "strict", RunStatus.DONE, limits=Limits(max_drop=0.0, max_latency_ms=1.0))
    run(store, "done", RunStatus.DONE)
    run(store, "running", RunStatus.RUNNING, done=3)
    run(store, "queued", RunStatus.QUEUED)
