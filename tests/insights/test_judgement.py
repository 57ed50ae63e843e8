"""Every output counts by itself, and what says nothing is never sure."""

from __future__ import annotations

from dataclasses import replace

from core.domain.measurement import Interval
from core.domain.quality import Accuracy, Fidelity, OutputFidelity
from core.domain.run import Limits
from core.insights.judgement import judge, more_samples
from core.insights.recommendation import recommend
from core.serde import from_plain, to_plain
from tests.factories import candidate, result

STATE = OutputFidelity("state", 30.0, 0.1, noise=Interval(0.1, 0.08, 0.12))
PROBABILITY = OutputFidelity("probability", 1.2, 0.6, noise=Interval(76.0, 60.0, 90.0))
BASELINE = candidate("baseline", result(1.0), 0)


def _fidelity(*outputs: OutputFidelity, collapsed: str = "", agreement: Interval | None = None) -> Fidelity:
    return Fidelity(agreement, min(each.sqnr_db or 99.0 for each in outputs), 0.6, 64, outputs, collapsed)


def test_the_worst_output_decides_and_is_named() -> None:
    """A speech network in INT8: 20 dB over both outputs together, and the probability was noise."""
    figures = result(4.0, drop=None, fidelity=_fidelity(STATE, PROBABILITY))
    verdict = judge(figures, Limits(1.0))
    assert not verdict.meets
    assert verdict.violations == (
        "the error in the output probability is 76 % of the variance, over the limit of 1 %",
    )
    assert figures.fidelity.worst is PROBABILITY
    assert PROBABILITY.loss.value == 76.0
    assert recommend([BASELINE, candidate("broken", figures)], Limits(1.0)).candidate_id is None


def test_one_that_is_only_likely_within_the_limit_is_not_sure() -> None:
    shaky = OutputFidelity("scores", 21.0, 0.1, noise=Interval(0.8, 0.5, 1.3))
    for output, sure in ((STATE, True), (shaky, False)):
        verdict = judge(result(drop=None, fidelity=_fidelity(output)), Limits(1.0))
        assert (verdict.meets, verdict.sure) == (True, sure)


def test_equal_outputs_are_sure_of_their_accuracy_however_few_the_samples() -> None:
    """OpenVINO in FP32 lost nothing on 367 images: −1.04 to +1.04 points, and was called only likely."""
    equal = OutputFidelity("scores", 128.0, 1e-5, Interval(100.0, 99.0, 100.0), Interval(1e-11, 1e-11, 1e-10))
    for output, sure in ((equal, True), (replace(equal, noise=Interval(0.1, 0.08, 0.12)), False)):
        fidelity = _fidelity(output, agreement=output.top1_agreement)
        figures = result(6.0, drop=(0.0, -1.04, 1.04), samples=367, fidelity=fidelity)
        assert judge(figures, Limits(1.0)).sure is sure
        assert (more_samples(figures, Limits(1.0)) is None) is sure
        advice = recommend([BASELINE, candidate("c", figures)], Limits(1.0))
        assert ("its outputs are the same but for rounding" in advice.sentence) is sure
        assert ("only its point respects" in advice.sentence) is not sure


def test_the_reason_for_doubt_is_the_inputs_where_all_seen_is_within_the_limit() -> None:
    wide = OutputFidelity("scores", 21.0, 0.1, noise=Interval(0.8, 0.5, 1.3))
    for output, unseen in ((STATE, True), (wide, False)):
        figures = result(drop=None, fidelity=replace(_fidelity(output), random=True))
        advice = recommend([BASELINE, candidate("c", figures)], Limits(1.0))
        assert ("inputs of real use may lose more" in advice.sentence) is unseen
        assert ("only its point respects" in advice.sentence) is not unseen


def test_inputs_that_tell_nothing_make_nothing_sure_but_equal_outputs() -> None:
    same = OutputFidelity("state", 90.0, 1e-6, noise=Interval(1e-7, 1e-8, 1e-6))
    for output, sure in ((STATE, False), (same, True)):
        figures = result(drop=None, fidelity=_fidelity(output, collapsed="One class for all inputs."))
        assert judge(figures, Limits(1.0)).sure is sure
        advice = recommend([BASELINE, candidate("c", figures)], Limits(1.0))
        assert advice.sure is sure
        assert "One class for all inputs." in advice.sentence


def test_random_inputs_make_nothing_sure_and_what_was_calibrated_on_them_is_not_recommended() -> None:
    """INT8 of a speech network, calibrated on noise: 19 dB on noise, and on speech no signal was left."""
    same = OutputFidelity("state", 90.0, 1e-6, noise=Interval(1e-7, 1e-8, 1e-6))
    agreed = OutputFidelity("scores", 80.0, 1e-6, Interval(100.0, 94.0, 100.0), Interval(1e-6, 1e-7, 1e-5))
    for output, blind, meets, sure in (
        (STATE, False, True, False),
        (STATE, True, False, False),
        (same, True, True, True),
        (agreed, False, True, True),
    ):
        fidelity = _fidelity(output, agreement=output.top1_agreement)
        figures = result(drop=None, fidelity=replace(fidelity, random=True, blind=blind))
        verdict = judge(figures, Limits(1.0))
        assert (verdict.meets, verdict.sure) == (meets, sure)
        advice = recommend([BASELINE, candidate("c", figures)], Limits(1.0))
        assert (advice.candidate_id is not None) == meets
        assert ("Only random inputs were compared" in advice.sentence) == (meets and not sure)
        assert ("it was calibrated on random inputs" in advice.sentence) == (not meets)
        assert judge(figures, Limits(None)).meets


def test_of_equally_fast_ones_on_random_inputs_the_truest_is_taken() -> None:
    loud = OutputFidelity("state", 22.0, 0.1, noise=Interval(0.8, 0.7, 0.9))
    rows = [BASELINE]
    for name, speed, output in (("loud", 4.02, loud), ("true", 4.0, STATE)):
        figures = result(speed, drop=None, fidelity=replace(_fidelity(output), random=True))
        rows.append(candidate(name, figures))
    assert recommend(rows, Limits(1.0)).candidate_id == "true"
    seen = [
        replace(row, result=replace(row.result, fidelity=replace(row.result.fidelity, random=False)))
        for row in rows[1:]
        if row.result
    ]
    assert recommend([BASELINE, *seen], Limits(1.0)).candidate_id == "loud"


def test_labels_decide_about_classes_and_noise_about_the_other_outputs() -> None:
    agreed = Interval(95.0, 93.0, 97.0)
    classes = OutputFidelity("classes", 12.0, 0.6, agreed, Interval(6.0, 5.0, 7.0))
    for others, meets in (((), True), ((STATE,), True), ((PROBABILITY,), False)):
        figures = result(fidelity=_fidelity(classes, *others, agreement=agreed))
        assert judge(figures, Limits(1.0)).meets is meets
    unlabelled = result(drop=None, fidelity=_fidelity(classes, STATE, agreement=agreed))
    assert judge(unlabelled, Limits(1.0)).violations == ("4.00 points over the limit of 1",)


def test_a_second_answer_counts_without_labels() -> None:
    right = OutputFidelity("first", None, 0.0, Interval(100.0, 99.0, 100.0))
    wrong = OutputFidelity("second", 3.0, 1.0, Interval(80.0, 75.0, 85.0))
    figures = result(drop=None, fidelity=_fidelity(right, wrong, agreement=right.top1_agreement))
    assert judge(figures, Limits(1.0)).violations == (
        "20 % of the answers in the output second differ, over the limit of 1 %",
    )


def test_results_of_old_are_read_and_judged_by_what_they_hold() -> None:
    old = {"top1_agreement": None, "sqnr_db": 15.0, "max_abs_error": 0.5, "samples": 32}
    fidelity = from_plain(old, Fidelity)
    assert not judge(result(drop=None, fidelity=fidelity), Limits(1.0)).meets
    assert fidelity.worst.sqnr_db == 15.0
    figures = to_plain(result(drop=(0.5, 0.1, 0.9)).accuracy)
    for new in ("interval", "places", "effective"):
        figures.pop(new)
    assert from_plain(figures, Accuracy).interval is None
