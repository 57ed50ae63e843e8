"""Batches follow the measured curve and what the model can do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model import TensorSpec
from core.domain.recipe import Artifact
from core.domain.run import CandidateStatus
from core.domain.sweep import Setting, Sweep
from core.errors import InvalidRequest
from core.packagers.serving.batches import batches, splits
from core.packagers.serving.fastapi import PACKAGER
from core.packagers.serving.options import ServiceParams
from core.protocols import Package
from tests.factories import ENVIRONMENT, model
from tests.packagers.serving.conftest import table

BATCHING = ServiceParams(batching=True)


def measured(folder: Path, rates: dict[int, float], **more: Any) -> Package:
    made = table(folder)
    result = made.candidate.result
    assert result is not None
    timing = replace(result.timing, throughput=rates)
    return replace(made, candidate=replace(made.candidate, result=replace(result, timing=timing)), **more)


def test_the_largest_batch_is_where_throughput_stops_to_gain(tmp_path: Path) -> None:
    found = batches(measured(tmp_path / "in", {1: 100, 8: 400, 16: 410, 32: 300}), BATCHING)
    assert (found.sizes, found.gain, found.delay_ms) == ((1, 2, 4, 8), 4.0, 5.0)
    fast = batches(measured(tmp_path / "fast", {1: 1000, 8: 8000}), BATCHING)
    assert fast.delay_ms == 0.5


def test_a_call_is_not_longer_than_people_wait(tmp_path: Path) -> None:
    found = batches(measured(tmp_path / "in", {1: 100, 8: 200, 32: 300}), BATCHING)
    assert max(found.sizes) == 8


def test_what_a_person_sets_wins(tmp_path: Path) -> None:
    params = replace(BATCHING, max_batch=6, max_delay_ms=0)
    found = batches(measured(tmp_path / "in", {1: 100, 8: 101}), params)
    assert (found.sizes, found.delay_ms) == ((1, 2, 4, 6), 0)


def test_a_sweep_at_the_same_threads_tells_more(tmp_path: Path) -> None:
    settings = [Setting(b, 1, 1.0, None, rate, 9) for b, rate in ((1, 100.0), (4, 200.0), (64, 900.0))]
    others = [Setting(128, 2, 1.0, None, 5000.0, 9)]
    sweep = Sweep((*settings, *others), ENVIRONMENT, "")
    found = batches(measured(tmp_path / "in", {1: 100, 8: 101}, sweep=sweep), BATCHING)
    assert found.sizes == (1, 2, 4, 8, 16, 32, 64)


def test_without_batching_rows_go_in_sizes_that_were_measured(tmp_path: Path) -> None:
    assert batches(measured(tmp_path / "in", {1: 100, 8: 400}), ServiceParams()).sizes == (1, 8)
    assert batches(measured(tmp_path / "none", {}), ServiceParams()).sizes == (1,)


def test_a_model_of_one_batch_is_called_with_that(tmp_path: Path) -> None:
    made = measured(tmp_path / "in", {4: 100})
    inputs = (TensorSpec("features", "float32", (4, 4)),)
    outputs = (TensorSpec("scores", "float32", (4, 3)),)
    fixed = replace(made, model=replace(made.model, inputs=inputs, outputs=outputs, batch_symbol=None))
    found = batches(fixed, ServiceParams())
    assert (found.sizes, found.fixed, found.symbol) == ((4,), True, "batch")
    with pytest.raises(InvalidRequest, match="no other number"):
        batches(fixed, BATCHING)


def test_outputs_without_a_batch_are_not_split(tmp_path: Path) -> None:
    boxes = model(outputs=(TensorSpec("boxes", "float32", ("found", 6)),))
    assert not splits(boxes)
    assert splits(model())
    made = replace(measured(tmp_path / "in", {1: 100, 8: 400}), model=boxes)
    assert batches(made, ServiceParams()).symbol is None
    with pytest.raises(InvalidRequest, match="no batch in front"):
        batches(made, BATCHING)


def test_what_nothing_here_runs_makes_no_service(tmp_path: Path) -> None:
    made = table(tmp_path / "in")
    elsewhere = replace(made.candidate, result=None, status=CandidateStatus.UNMEASURED)
    with pytest.raises(InvalidRequest, match="was not measured"):
        PACKAGER.requires(elsewhere, Artifact("a", None, None, "onnx", ()))
    PACKAGER.requires(made.candidate, Artifact("a", None, None, "onnx", ()))
