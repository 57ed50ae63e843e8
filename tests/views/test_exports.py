"""Targets and exports of a model as pages and the command line tell them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.export import Export, ExportPrecision, Scenario
from core.domain.model import DataSet
from core.domain.quality import OtherBatch
from core.domain.run import Candidate, CandidateStatus, Limits
from core.errors import ErrorRecord
from core.protocols import Availability
from core.runtimes.litert_cpu import LiteRtCpu
from core.views.exports import ExportRow, TargetRow, target_rows, tolerance_told
from core.views.format_guide import Answer, format_guide
from core.views.rows import Row
from tests.factories import candidate, model, result

LIMITS = Limits(1.0)
PHOTOS = DataSet("d", "photos", (), ("input",), 10, 20, labelled=True)


def export_of(text: str) -> Export:
    target, _, precision = text.partition(":")
    return Export(target, ExportPrecision(precision))


def row(text: str, made: Candidate) -> ExportRow:
    return ExportRow(export_of(text), Row(made, "", "", size_bytes=2_000_000), "run")


def answers(
    *built: ExportRow, rows: tuple[TargetRow, ...] = (), data: DataSet | None = PHOTOS
) -> dict[Scenario, Answer]:
    told = format_guide(rows or target_rows(model()), built, LIMITS, data)
    return {each.scenario: each for each in told}


def test_every_target_tells_what_it_can_make_of_a_model() -> None:
    found = {each.target.id: each for each in target_rows(model())}
    onnx = {each.precision: each for each in found["onnx"].precisions}
    assert onnx[ExportPrecision.INT8_STATIC].possible
    assert onnx[ExportPrecision.INT8_STATIC].fits
    assert not onnx[ExportPrecision.INT8_DYNAMIC].fits
    assert not onnx[ExportPrecision.BF16].possible
    assert "Take OpenVINO" in onnx[ExportPrecision.BF16].reason
    assert found["onnx"].runs_here


def test_what_runs_elsewhere_says_what_it_needs(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    gone = Availability(False, reason="There is no LiteRT.", install="pip install litert")
    monkeypatch.setattr(LiteRtCpu, "available", lambda _: gone)
    found = next(each for each in target_rows(model()) if each.target.id == "litert")
    assert found.possible
    assert not found.runs_here
    assert (
        found.needs
        == f"There is no LiteRT. Needed there: {found.target.needs} Install it: pip install litert"
    )


def test_the_guide_answers_for_every_scenario_that_a_format_suits() -> None:
    said = answers()
    assert set(said) >= {Scenario.PROTOTYPE, Scenario.CPP_SERVER, Scenario.ANDROID}
    assert said[Scenario.CPP_SERVER].export == export_of("openvino:int8_static")
    assert said[Scenario.CPP_SERVER].measured.startswith("Not exported yet")


@pytest.mark.parametrize("data", [None, replace(PHOTOS, origin="random")])
def test_without_data_of_use_the_guide_recommends_nothing_that_is_calibrated(data: DataSet | None) -> None:
    said = answers(data=data).values()
    assert all(each.export.precision is not ExportPrecision.INT8_STATIC for each in said)


def test_the_guide_tells_what_was_measured_and_passes_over_what_lost_too_much() -> None:
    good = row("openvino:int8_static", candidate("good", result(3.0, size=2_000_000)))
    said = answers(good)[Scenario.CPP_SERVER]
    assert said.row == good
    assert (
        said.measured == "3.33 ms, 3.00x the speed of your model, 2.00 MB, accuracy 90.00 % (+0.00 points)."
    )
    bad = row("openvino:int8_static", candidate("bad", result(3.0, drop=(9.0, 8.0, 10.0))))
    said = answers(bad)[Scenario.CPP_SERVER]
    assert said.export.target == "openvino"
    assert said.export.precision is not ExportPrecision.INT8_STATIC
    assert "OpenVINO IR in INT8 static was passed over" in said.why


def test_the_guide_takes_another_target_where_one_failed_in_all_precisions() -> None:
    failed = replace(candidate("x", None), status=CandidateStatus.FAILED, error=ErrorRecord("e", "No."))
    rows = tuple(each for each in target_rows(model()) if each.target.id in ("openvino", "onnx"))
    openvino = rows[[each.target.id for each in rows].index("openvino")]
    built = [row(f"openvino:{each}", failed) for each in openvino.target.precisions]
    assert answers(*built, rows=rows)[Scenario.CPP_SERVER].export.target == "onnx"


def test_what_the_time_did_not_reach_is_not_held_against_a_format() -> None:
    late = ErrorRecord("over_budget", "The time budget was spent before this candidate's turn.")
    unbuilt = replace(candidate("x", None), status=CandidateStatus.SKIPPED, error=late)
    first = answers()[Scenario.CPP_SERVER]
    said = answers(row(str(first.export), unbuilt))[Scenario.CPP_SERVER]
    assert (said.export, said.why) == (first.export, first.why)
    assert said.measured == "Not exported yet."
    refused = replace(unbuilt, error=ErrorRecord("not_applicable", "No."))
    assert "it does not take this model" in answers(row(str(first.export), refused))[Scenario.CPP_SERVER].why


def test_an_export_tells_errors_and_batches_or_its_problem() -> None:
    measured = replace(candidate("x", result()), recipe=candidate("x", None).recipe)
    assert measured.result is not None
    with_other = replace(measured, result=replace(measured.result, other_batch=OtherBatch(3)))
    told = row("onnx:fp16", with_other)
    assert told.measured
    assert told.errors == ("Largest error 0.1, SQNR 30.0 dB.",)
    assert told.batches == "Compared at batch 1; it takes no batch of 3."
    assert row("onnx:fp16", measured).batches == "Compared at batch 1."
    error = ErrorRecord("measured_elsewhere", "No phone.", "Take it to one.")
    away = row("onnx:fp16", replace(candidate("x", None), status=CandidateStatus.UNMEASURED, error=error))
    assert (away.built, away.measured, away.problem) == (True, False, "No phone. Take it to one.")
    itself = row("onnx:fp32", candidate("base", result(1.0), 0))
    assert itself.as_uploaded
    assert not itself.errors


def test_tolerances_are_told_in_words() -> None:
    assert tolerance_told(ExportPrecision.FP32).startswith("FP32: SQNR of 50 dB or more;")
