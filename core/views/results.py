"""The result file of a run: schema 1, stable; keys may be added."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.finding import Finding
from core.domain.measurement import Environment, Interval
from core.domain.model import DataSet, TensorSpec
from core.domain.quality import Accuracy, Fidelity, OtherBatch, OutputFidelity
from core.domain.run import Candidate, Result
from core.engine.downloads import Download, run_download
from core.serde import to_plain
from core.store.store import Store
from core.views.exports import ExportRow, export_rows
from core.views.findings import findings_of, told
from core.views.format_guide import Answer, run_guide
from core.views.rows import Row
from core.views.run import RunView, run_view

SCHEMA = 1


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


def _model(view: RunView) -> dict[str, Any]:
    model = view.model
    return {
        "name": model.name,
        "format": model.format,
        "sha256": model.sha256,
        "inputs": [_tensor(spec) for spec in model.inputs],
        "outputs": [_tensor(spec) for spec in model.outputs],
        "parameters": model.parameters,
        "macs": model.macs,
        "task": model.task,
        "precision": model.precision,
        "architecture": (model.architecture or {}).get("name"),
        "notes": to_plain(model.notes),
    }


def _environment(environment: Environment, threads: int) -> dict[str, Any]:
    return {**to_plain(environment), "threads": threads}


def _interval(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"value": interval.value, "ci_low": interval.low, "ci_high": interval.high}


def _by_batch(intervals: Mapping[int, Interval]) -> dict[str, Any]:
    return {str(batch): _interval(interval) for batch, interval in intervals.items()}


def _recipe(candidate: Candidate) -> dict[str, Any]:
    target = candidate.recipe.target
    return {
        "steps": [{"pass": step.pass_id, "params": step.params} for step in candidate.recipe.steps],
        "target": {
            "runtime": target.runtime_id,
            "device": target.device,
            "threads": target.threads,
            "batch": target.batch,
            "machine": target.machine or None,
        },
    }


def _accuracy(accuracy: Accuracy | None) -> dict[str, Any] | None:
    if accuracy is None:
        return None
    return {
        "metric": accuracy.metric,
        "name": accuracy.scale.name,
        "unit": accuracy.scale.unit,
        "higher_is_better": accuracy.scale.higher,
        "output": accuracy.output or None,
        "value": accuracy.value,
        "value_ci": _ends(accuracy.interval),
        "drop": accuracy.drop.value,
        "ci_low": None if accuracy.drop.exact else accuracy.drop.low,
        "ci_high": None if accuracy.drop.exact else accuracy.drop.high,
        "samples": accuracy.samples,
        "flips": accuracy.flips,
        "mcnemar_p": accuracy.mcnemar_p,
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None or interval.exact else [interval.low, interval.high]


def _agreement(agreement: Interval | None) -> dict[str, Any]:
    return {
        "top1_agreement": agreement.value if agreement else None,
        "top1_agreement_ci": _ends(agreement),
    }


def _fidelity(fidelity: Fidelity) -> dict[str, Any]:
    return {
        **_agreement(fidelity.top1_agreement),
        "sqnr_db": fidelity.sqnr_db,
        "max_abs_error": fidelity.max_abs_error,
        "samples": fidelity.samples,
        "worst_output": fidelity.worst.name if fidelity.outputs else None,
        "collapsed": fidelity.collapsed or None,
        "random_inputs": fidelity.random,
        "calibrated_on_random_inputs": fidelity.blind,
        "outputs": [_output(output) for output in fidelity.outputs],
    }


def _output(output: OutputFidelity) -> dict[str, Any]:
    return {
        "name": output.name,
        "sqnr_db": output.sqnr_db,
        "max_abs_error": output.max_abs_error,
        **_agreement(output.top1_agreement),
        "noise_percent": output.noise.value if output.noise else None,
        "noise_percent_ci": _ends(output.noise),
        "detections": output.detections and to_plain(output.detections),
        "max_rel_error": output.max_rel_error,
        "cosine": output.cosine,
    }


def _measured(result: Result) -> dict[str, Any]:
    timing = result.timing
    return {
        "size_bytes": result.size_bytes,
        "latency_ms": to_plain(timing.latency),
        "baseline_latency_ms": to_plain(timing.baseline),
        "speedup": _interval(timing.speedup),
        "pace": timing.pace,
        "unstable": timing.unstable,
        "doubt": timing.doubt,
        "rounds": timing.rounds,
        "starts": timing.starts,
        "moments": timing.moments,
        "disturbed": timing.disturbed,
        "busy": timing.busy,
        "throughput_per_s": {str(batch): rate for batch, rate in timing.throughput.items()},
        "throughput_ci": _by_batch(timing.throughput_interval),
        "throughput_gain": _by_batch(timing.throughput_gain),
        "memory_bytes": timing.memory_bytes,
        "memory_range_bytes": timing.memory_range,
        "load_ms": timing.load_ms,
        "load_range_ms": timing.load_range_ms,
        "warm_load_ms": timing.warm_load_ms,
        "accuracy": _accuracy(result.accuracy),
        "fidelity": _fidelity(result.fidelity),
        "metric_undefined": result.undefined or None,
        "evaluation": to_plain(result.evaluation) if result.evaluation else None,
        "other_batch": _other_batch(result.other_batch),
        "on_search": result.search
        and {"accuracy": _accuracy(result.search.accuracy), "fidelity": _fidelity(result.search.fidelity)},
    }


def _other_batch(found: OtherBatch | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"batch": found.batch, "fidelity": found.fidelity and _fidelity(found.fidelity)}


UNMEASURED: dict[str, Any] = dict.fromkeys(
    (
        "size_bytes",
        "latency_ms",
        "speedup",
        "throughput_per_s",
        "memory_bytes",
        "load_ms",
        "accuracy",
        "fidelity",
    )
)


def _candidate(row: Row, artifacts: Mapping[str, str], found: Sequence[Finding]) -> dict[str, Any]:
    candidate = row.candidate
    error = to_plain(candidate.error) if candidate.error else None
    if error is not None:
        error.pop("traceback")
    figures = UNMEASURED if candidate.result is None else _measured(candidate.result)
    return {
        "id": candidate.id,
        "name": candidate.name,
        "status": candidate.status.value,
        "recipe": _recipe(candidate),
        "error": error,
        "artifact": artifacts.get(candidate.id),
        **figures,
        "size_bytes": row.size_bytes,
        "on_front": row.on_front,
        "why": row.why,
        "findings": [told(each) for each in found],
    }


def _data(data: DataSet, searching: bool) -> dict[str, Any]:
    """Return the data with the rows of each part; a run that does not search tests with the search rows."""
    return {
        "name": data.name,
        "samples": data.evaluation_samples,
        "labelled": data.labelled,
        "calibration_samples": data.calibration_samples,
        "search_samples": data.search_samples if searching else 0,
        "test_samples": data.test_samples(searching),
        "training_samples": data.training_samples,
    }


def results(store: Store, view: RunView, artifacts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the result file of a run as plain values.

    Of a run on several kinds of machine the first stands where that of a run on one does, and ``machines``
    holds all of them.

    Args:
        store: Holds what its candidates were made of.
        view: The run, judged under its limits.
        artifacts: Relative path of each candidate's file by candidate id, where files were written.
    """
    data = view.data
    shown = [_on_machine(store, each, artifacts or {}) for each in view.each]
    return {
        "schema": SCHEMA,
        "run": {"id": view.run.id, "name": view.run.name, "status": view.run.status.value},
        "model": _model(view),
        "data": data and _data(data, searching=any(row.searched for row in view.candidates)),
        "limits": to_plain(view.run.request.limits),
        "objective": view.run.request.objective.value,
        **shown[0],
        "exports": [_export(each) for each in export_rows(view)],
        "format_guide": [_answer(each) for each in run_guide(view)] if view.run.request.exports else [],
        "machines": shown[1:] and shown,
    }


def _export(found: ExportRow) -> dict[str, Any]:
    """Return one export: the candidate of its id has the figures."""
    return {
        "target": found.export.target,
        "precision": found.export.precision.value,
        "options": dict(found.export.options),
        "candidate": found.row.id,
        "built": found.built,
        "measured": found.measured,
        "message": found.problem or None,
    }


def _answer(found: Answer) -> dict[str, Any]:
    told = {"scenario": found.scenario.value, "export": str(found.export)}
    return told | {"why": found.why, "needs": found.needs, "measured": found.measured}


def _on_machine(store: Store, view: RunView, artifacts: Mapping[str, str]) -> dict[str, Any]:
    """Return what was measured on one kind of machine; figures of several are never in one list."""
    first = view.baseline.candidate.result
    return {
        "machine": view.machine or None,
        "environment": _environment(first.timing.environment, view.run.request.threads) if first else None,
        "control": to_plain(view.control),
        "baseline": view.baseline.id,
        "recommended": view.recommendation.candidate_id,
        "sure": view.recommendation.sure,
        "reason": view.recommendation.explanation,
        "candidates": [_candidate(row, artifacts, findings_of(store, view, row)) for row in view.candidates],
    }


def run_archive(store: Store, run_id: str) -> Download:
    """Return all models of a run that were measured, with its result file.

    Raises:
        NotFound: There is no such run.
        InvalidRequest: Nothing was measured yet.
        UnsafeUpload: A model is not what an upload may be.
    """
    view = run_view(store, run_id)
    return run_download(
        store, run_id, lambda paths: json.dumps(results(store, view, paths), indent=2).encode()
    )
