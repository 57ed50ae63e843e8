"""A broken export is told from honest rounding, whatever the outputs are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.bench.quality.faithfulness import TOLERANCES, figures, require_faithful
from core.domain.export import ExportPrecision
from core.domain.measurement import Interval
from core.domain.quality import Fidelity, OtherBatch
from core.errors import OutOfTolerance
from core.protocols import Array
from tests.bench.quality.compared import compare

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(200, 10)) * 4
INT8 = ExportPrecision.INT8_STATIC


def held(ours: Array, theirs: Array = LOGITS, classes: int | None = 10, random: bool = False) -> Fidelity:
    return replace(compare([ours], [theirs], None, classes)[1], random=random)


def rounded(values: Array, levels: int) -> Array:
    """Quantize to so many levels over the whole range, as one scale for all does."""
    step = np.ptp(values) / levels
    return np.round(values / step) * step


def test_every_precision_has_a_tolerance_and_fewer_bits_have_the_wider_one() -> None:
    assert set(TOLERANCES) == set(ExportPrecision)
    least = [TOLERANCES[each].sqnr_db for each in ("fp32", "fp16", "bf16", "int8_static")]
    assert least == sorted(least, reverse=True)


@pytest.mark.parametrize("random", [True, False])
def test_honest_rounding_is_faithful(random: bool) -> None:
    require_faithful(ExportPrecision.FP32, held(LOGITS * (1 + 1e-6), random=random))
    require_faithful(ExportPrecision.FP16, held(LOGITS.astype(np.float16).astype(float), random=random))
    require_faithful(INT8, held(rounded(LOGITS, 16), random=random))
    require_faithful(ExportPrecision.INT4, held(LOGITS + RNG.normal(size=LOGITS.shape) * 2, random=random))


@pytest.mark.parametrize("random", [True, False])
@pytest.mark.parametrize("precision", list(ExportPrecision))
def test_what_computes_something_else_is_refused_in_every_precision(
    precision: ExportPrecision, random: bool
) -> None:
    others = (LOGITS[:, ::-1].copy(), np.zeros_like(LOGITS), np.roll(LOGITS, 1, axis=0), LOGITS * -1)
    for broken in others:
        with pytest.raises(OutOfTolerance) as caught:
            require_faithful(precision, held(broken, random=random))
        assert caught.value.hint


def test_one_percent_is_too_much_for_fp32_and_little_for_fp16() -> None:
    off = held(LOGITS + RNG.normal(size=LOGITS.shape) * 0.04)
    with pytest.raises(OutOfTolerance, match=r"50 dB at least.* FP32"):
        require_faithful(ExportPrecision.FP32, off)
    require_faithful(ExportPrecision.FP16, off)


def test_a_constant_offset_that_hides_the_signal_is_no_success_on_data() -> None:
    """Beside a large mean, a constant answer has a good SQNR: the change from row to row tells."""
    biased = LOGITS + 100
    constant = np.broadcast_to(biased.mean(0), biased.shape).copy() + 2.0
    with pytest.raises(OutOfTolerance, match="of what the output varies"):
        require_faithful(INT8, held(constant, biased))
    require_faithful(INT8, held(constant, biased, random=True))  # networks hardly vary on random inputs


def test_whole_numbers_are_held_by_their_answers() -> None:
    classes = LOGITS.argmax(1)
    few = classes.copy()
    few[:1] = (few[:1] + 1) % 10
    require_faithful(ExportPrecision.FP32, held(few, classes, None))
    many = np.where(np.arange(200) % 2, classes, (classes + 1) % 10)
    with pytest.raises(OutOfTolerance, match="of the answers are equal"):
        require_faithful(ExportPrecision.FP16, held(many, classes, None))
    require_faithful(INT8, held(many, classes, None))


def test_outputs_that_are_zero_throughout_are_the_same() -> None:
    zeros = np.zeros((20, 5))
    require_faithful(ExportPrecision.FP32, held(zeros, zeros, None))


def test_outputs_near_zero_are_held_to_what_runtimes_compute_there() -> None:
    faint = np.abs(LOGITS) * 1e-7
    require_faithful(ExportPrecision.FP32, held(faint + 1e-7, faint, None))
    for broken in (faint + 1e-4, np.zeros_like(faint), faint[:, ::-1].copy() * -1):
        with pytest.raises(OutOfTolerance):
            require_faithful(ExportPrecision.FP32, held(broken, faint, None))


def test_the_second_batch_size_counts_as_much() -> None:
    good, bad = held(LOGITS), held(LOGITS[:3][::-1].copy(), LOGITS[:3])
    require_faithful(ExportPrecision.FP32, good, OtherBatch(3, held(LOGITS[:3], LOGITS[:3])))
    require_faithful(ExportPrecision.FP32, good, OtherBatch(3))
    with pytest.raises(OutOfTolerance, match="in calls of 3 rows") as caught:
        require_faithful(ExportPrecision.FP32, good, OtherBatch(3, bad))
    whole, call = caught.value.to_record("measure").figures
    assert (whole["batch"], call["batch"]) == (None, 3)
    assert call["max_abs_error"] == bad.each[0].max_abs_error
    assert call["sqnr_db"] == bad.each[0].sqnr_db
    assert {"max_rel_error", "cosine", "top1_agreement"} <= call.keys()


def test_an_unsure_share_of_answers_is_not_held_against_it() -> None:
    found = held(LOGITS)
    unsure = replace(found.outputs[0], top1_agreement=Interval(90.0, 60.0, 99.5))
    require_faithful(ExportPrecision.FP32, replace(found, outputs=(unsure,)))


def test_errors_are_told_by_size_and_direction() -> None:
    output = held(LOGITS * 1.1).outputs[0]
    peak = np.abs(LOGITS).max()
    assert output.max_abs_error == pytest.approx(0.1 * peak)
    assert output.max_rel_error == pytest.approx(0.1)
    assert output.cosine == pytest.approx(1.0)
    other = held(LOGITS[:, ::-1].copy()).outputs[0]
    wanted = (LOGITS * LOGITS[:, ::-1]).sum() / (LOGITS**2).sum()
    assert other.cosine == pytest.approx(wanted)
    assert "10.00% of the largest value, SQNR 20.0 dB, cosine 1.00000" in figures(output)
