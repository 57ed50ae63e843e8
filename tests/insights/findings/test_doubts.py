"""Findings: what the figures say in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.domain.finding import Figure, Finding, FindingKind
from core.domain.measurement import Interval
from core.domain.quality import Evaluation
from core.domain.recipe import Artifact, Step
from core.domain.run import Candidate, Limits
from core.insights.findings import findings, weight
from core.protocols import Case
from tests.factories import ENVIRONMENT, candidate, result

INT8 = (Step("int8_static_ort"),)


def case(each: Candidate, chain: Sequence[Artifact] = (), **known: Any) -> Case:
    assert each.result is not None
    return Case(each, each.result, chain, **known)


def messages(each: Candidate, chain: Sequence[Artifact] = (), **known: Any) -> str:
    return " ".join(finding.message for finding in findings(case(each, chain, **known)))


def test_an_unstable_point_is_called_so() -> None:
    figures = result(width=0.2)
    figures = replace(figures, timing=replace(figures.timing, unstable=True))
    assert "±20%" in messages(candidate("c", figures))


def test_a_busy_machine_is_called_so_with_the_time_that_others_had() -> None:
    figures = result(width=0.2)
    quarter = replace(figures.timing, busy=1 / 3)
    assert "other programs had the measured cores for 25% of the time" in messages(
        candidate("c", replace(figures, timing=quarter)), []
    )
    unstable = replace(figures, timing=replace(quarter, unstable=True))
    assert "±20%; other programs had the measured cores for 25%" in messages(candidate("c", unstable))
    quiet = replace(figures, timing=replace(figures.timing, busy=0.01))
    assert "busy" not in messages(candidate("c", quiet))


def test_slow_int8_and_float_leftovers_are_explained() -> None:
    chain = [Artifact("a", "m", INT8[0], "onnx", (), details={"quantized": 18, "float": 2})]
    text = messages(candidate("c", result(0.7), steps=INT8), chain)
    assert "2 of 20 compute nodes stayed in float" in text
    assert "INT8 is slower" in text


def test_a_processor_without_vnni_is_named_as_the_reason() -> None:
    figures = result()
    old = replace(figures, timing=replace(figures.timing, environment=replace(ENVIRONMENT, isa=("avx2",))))
    assert "VNNI" in messages(candidate("c", old, steps=INT8))
    assert "VNNI" not in messages(candidate("c", figures, steps=INT8))


def test_a_control_that_misses_one_casts_doubt() -> None:
    assert "1.10x (1.05–1.15) faster instead of 1" in messages(
        candidate("c", result()), control=Interval(1.1, 1.05, 1.15)
    )
    assert "instead of 1" not in messages(candidate("c", result()), control=Interval(1.0, 0.98, 1.02))


def test_drops_are_called_real_only_above_zero() -> None:
    assert "The drop is real" in messages(candidate("c", result(drop=(2.0, 1.0, 3.0))))
    assert "better in accuracy" in messages(candidate("c", result(drop=(-2.0, -3.0, -1.0))))


def test_an_evaluation_that_ended_early_is_said_and_proves_nothing_else() -> None:
    why = "Stopped early after 256 samples: accuracy fell by at least 6 points, surely more than the limit."
    figures = replace(result(drop=(9.0, 6.0, 12.0)), evaluation=Evaluation(256, 4000, 32, stopped=why))
    found = messages(candidate("c", figures))
    assert why in found
    assert "The drop is real" not in found


def test_no_drop_is_claimed_only_where_the_whole_interval_lies_within_the_limit() -> None:
    within = candidate("c", result(drop=(0.0, -1.0, 0.9)))
    assert "No drop of more than 1 point. The change lies between −0.9 and +1.0 points" in messages(
        within, []
    )
    wide = findings(case(candidate("c", result(drop=(4.4, -3.8, 14.8), samples=45))))
    assert [finding.kind for finding in wide] == ["note"]
    assert "Too few samples to tell whether it loses more than 1 point" in wide[0].message
    assert "between −14.8 and +3.8 points on 45 samples (5 flips). About 4,300 labelled" in wide[0].message
    strict = messages(within, limits=Limits(0.5))
    assert "Too few samples to tell whether it loses more than 0.5 points" in strict


def test_the_baseline_has_no_difference_to_itself() -> None:
    assert findings(case(candidate("baseline", result(1.0), 0))) == ()


def test_findings_are_ranked_by_what_is_at_stake_of_a_call_or_of_the_limit() -> None:
    slow = candidate("c", result(0.7, drop=(2.0, 1.0, 3.0)), steps=INT8)
    found = findings(
        case(slow, [Artifact("a", "m", INT8[0], "onnx", (), details={"quantized": 9, "float": 9})])
    )
    assert [each.id for each in found][:2] == ["int8_slower", "float_layers"]
    assert found[0].stake == Figure(10 / 0.7 - 10, "ms")
    known = case(slow, limits=Limits(0.5))
    assert weight(found[0], known) == pytest.approx(0.3)
    points = Finding("x", FindingKind.NOTE, "Seen.", stake=Figure(1.0, "points"))
    assert weight(points, known) == 2.0
