"""The recommendation: fastest within the limits, sure before likely, nearest miss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.measurement import Doubt, Interval
from core.domain.quality import Detections, Fidelity, OutputFidelity
from core.domain.run import Candidate, CandidateStatus, Limits, Objective, Result
from core.errors import ErrorRecord
from core.insights.judgement import judge, more_samples
from core.insights.objectives import lead
from core.insights.recommendation import contenders, recommend
from core.metrics.proportions import samples_to_settle
from tests.factories import candidate, result

BASELINE = candidate("baseline", result(1.0), 0)


def test_the_fastest_within_the_limit_wins() -> None:
    slow, fast = candidate("slow", result(2.0)), candidate("fast", result(4.0))
    lossy = candidate("lossy", result(9.0, drop=(3.0, 2.0, 4.0)))
    advice = recommend([BASELINE, slow, fast, lossy], Limits(max_drop=1.0))
    assert advice.candidate_id == "fast"
    assert advice.sure
    assert "4.0x" in advice.sentence
    assert "3 measured configurations" in advice.sentence


def test_sure_beats_likely_at_equal_speed() -> None:
    likely = candidate("likely", result(4.05, drop=(0.8, 0.2, 1.4)))
    sure = candidate("sure", result(4.0, drop=(0.1, -0.3, 0.5)))
    assert recommend([BASELINE, likely, sure], Limits(1.0)).candidate_id == "sure"


@pytest.mark.parametrize(
    ("slower", "chosen"),
    [((12.3, 10.1, 15.0), "likely"), ((13.4, 11.0, 16.3), "sure")],
    ids=["overlaps and is slower", "may be as fast"],
)
def test_equal_speed_is_told_by_the_doubt_of_the_difference(
    slower: tuple[float, float, float], chosen: str
) -> None:
    fast, slow = result(14.8, drop=(0.7, 0.0, 1.4)), result(12.3, drop=(0.1, -0.3, 0.5))
    rows = [
        candidate(name, replace(each, timing=replace(each.timing, speedup=Interval(*figures))))
        for name, each, figures in (("likely", fast, (14.8, 12.8, 17.1)), ("sure", slow, slower))
    ]
    assert recommend([BASELINE, *rows], Limits(1.0)).candidate_id == chosen


def test_a_clearly_faster_likely_candidate_beats_a_sure_one_and_says_what_settles_it() -> None:
    likely = candidate("likely", result(6.0, drop=(0.5, -0.2, 1.2)))
    sure = candidate("sure", result(4.0))
    advice = recommend([BASELINE, likely, sure], Limits(1.0))
    assert advice.candidate_id == "likely"
    assert not advice.sure
    assert "about 520 more labelled samples" in advice.sentence


def test_what_the_final_heat_told_apart_is_no_tie_though_the_intervals_overlap() -> None:
    def with_rival(name: str, speed: tuple[float, float, float], rivals: dict[str, Interval]) -> Candidate:
        figures = result(speed[0], drop=(0.6, -0.1, 1.3) if name == "small" else (0.1, -0.3, 0.5))
        timing = replace(figures.timing, speedup=Interval(*speed), rivals=rivals)
        return candidate(name, replace(figures, timing=timing))

    told = Interval(1.08, 1.02, 1.15)
    back = Interval(1 / told.value, 1 / told.high, 1 / told.low)
    speeds = (13.0, 10.8, 15.6), (12.0, 10.0, 14.4)
    small, whole = with_rival("small", speeds[0], {}), with_rival("whole", speeds[1], {})
    assert recommend([BASELINE, small, whole], Limits(1.0)).candidate_id == "whole"
    small = with_rival("small", speeds[0], {"whole": told})
    whole = with_rival("whole", speeds[1], {"small": back})
    assert recommend([BASELINE, small, whole], Limits(1.0)).candidate_id == "small"
    restless = replace(small, result=_with(small.result, unstable=True)) if small.result else small
    assert recommend([BASELINE, restless, whole], Limits(1.0)).candidate_id == "small"


def test_against_the_baseline_the_whole_interval_counts() -> None:
    hardly = candidate("hardly", _with(result(1.05), speedup=Interval(1.05, 0.99, 1.11)))
    ahead = lead(hardly, BASELINE)
    assert (ahead.value, ahead.low, ahead.high) == (1.05, 0.99, 1.11)
    assert lead(BASELINE, hardly).holds(1)


def test_more_samples_are_those_at_which_the_interval_ends_at_the_limit() -> None:
    figures = result(drop=(0.5, -0.2, 1.2), samples=1000)
    assert figures.accuracy is not None
    more = more_samples(figures, Limits(1.0))
    exact = samples_to_settle(figures.accuracy.flips, 0, 1000, 0.01)
    assert exact is not None
    assert more == pytest.approx(exact - 1000, rel=0.05)
    assert more == int(float(f"{more:.2g}"))
    assert more_samples(result(drop=(0.0, -0.5, 0.5)), Limits(1.0)) is None
    assert more_samples(result(drop=None), Limits(1.0)) is None


def test_the_nearest_miss_is_named_with_its_distance() -> None:
    near = candidate("near", result(4.0, drop=(1.5, 1.2, 1.8)))
    far = candidate("far", result(8.0, drop=(9.0, 8.0, 10.0)))
    advice = recommend([BASELINE, near, far], Limits(1.0))
    assert advice.candidate_id is None
    assert advice.near_miss == "near"
    assert "0.50 points over the limit of 1" in advice.sentence


def test_without_classes_the_noise_is_limited() -> None:
    def noisy(name: str, speed: float, sqnr: float | None) -> Candidate:
        figures = result(speed, drop=None)
        return candidate(name, replace(figures, fidelity=replace(figures.fidelity, sqnr_db=sqnr)))

    rows = [BASELINE, noisy("loud", 4.0, 15.0), noisy("fine", 2.0, 25.0), noisy("exact", 1.5, None)]
    assert recommend(rows, Limits(1.0)).candidate_id == "fine"
    assert recommend(rows, Limits(None)).candidate_id == "loud"
    assert recommend(rows, Limits(0.0)).candidate_id == "exact"
    alone = recommend(rows[:2], Limits(1.0))
    assert alone.near_miss == "loud"
    assert "3.2 % of the signal" in alone.sentence
    labelled = result(4.0)
    loud = replace(labelled, fidelity=replace(labelled.fidelity, sqnr_db=5.0))
    assert judge(loud, Limits(1.0)).meets


def unstable(name: str, speed: tuple[float, float, float], **changes: Any) -> Candidate:
    figures = result(speed[0], **changes)
    return candidate(
        name, replace(figures, timing=replace(figures.timing, unstable=True, speedup=Interval(*speed)))
    )


def test_a_choice_that_was_measured_beside_other_programs_says_so_and_how_much_they_had() -> None:
    figures = result(4.0)
    busy = replace(figures, timing=replace(figures.timing, busy=1.0))
    said = "The machine was busy: other programs had the measured cores for 50% of the time."
    assert said in recommend([BASELINE, candidate("busy", busy)], Limits(1.0)).sentence
    assert "busy:" not in recommend([BASELINE, candidate("calm", figures)], Limits(1.0)).sentence


def test_an_unstable_candidate_that_is_not_taken_is_named_with_its_reason() -> None:
    steady, wide = candidate("steady", result(4.0)), unstable("wide", (5.0, 3.6, 5.7))
    advice = recommend([BASELINE, steady, wide], Limits(1.0))
    assert advice.candidate_id == "steady"
    assert "wide" not in advice.sentence
    assert "wide may be faster (3.6–5.7x), but its speed-up stayed uncertain by ±21%" in advice.notes[0]
    alone = recommend([BASELINE, wide], Limits(1.0))
    assert alone.candidate_id == "wide"
    assert "Take this as rough" in alone.sentence
    assert wide.result is not None
    few = replace(wide.result.timing, rounds=5, doubt=Doubt.FEW_ROUNDS)
    short = candidate("short", replace(wide.result, timing=few))
    assert "as rough: there was time for 5 rounds only" in recommend([BASELINE, short], Limits(1.0)).sentence
    slow = replace(few, baseline=replace(few.baseline, p50=700.0))
    long = candidate("long", replace(wide.result, timing=slow))
    said = recommend([BASELINE, long], Limits(1.0)).sentence
    assert "so long that there was time for 5 rounds only" in said
    lossy = unstable("lossy", (5.0, 3.6, 5.7), drop=(5.0, 4.0, 6.0))
    assert recommend([BASELINE, steady, lossy], Limits(1.0)).notes == ()


def test_a_control_that_misses_one_is_a_note() -> None:
    off = replace(
        BASELINE,
        result=replace(result(1.0), timing=replace(result(1.0).timing, speedup=Interval(1.07, 1.06, 1.08))),
    )
    advice = recommend([off, candidate("fast", result(4.0))], Limits(1.0))
    assert "your model against itself, came out at 1.07x (1.06–1.08) faster instead of 1" in advice.notes[0]
    assert advice.notes[0] in advice.explanation
    assert recommend([BASELINE, candidate("fast", result(4.0))], Limits(1.0)).notes == ()


def test_the_best_that_is_no_faster_is_spoken_of_once() -> None:
    advice = recommend([BASELINE, unstable("wide", (1.08, 0.97, 1.19))], Limits(1.0))
    assert advice.candidate_id is None
    assert "wide, runs at 1.08x (0.97–1.19) its speed; it may be faster, but its speed-up" in advice.sentence
    assert advice.notes == ()


def shortly(figures: Result, limits: Limits) -> str:
    return recommend([BASELINE, candidate("fast", figures)], limits).short.removeprefix(
        "Best of 1 measured configuration: "
    )


def test_the_short_sentence_says_what_to_trust() -> None:
    open_, seen = result(4.0, drop=(0.8, 0.2, 1.4)), result(4.0, drop=None)
    drawn = replace(seen, fidelity=replace(seen.fidelity, random=True, sqnr_db=30.0))
    flat = replace(drawn, fidelity=replace(drawn.fidelity, collapsed="One class for all inputs."))
    assert shortly(result(4.0), Limits(1.0)) == "its whole 95 % interval is within the limits."
    assert shortly(result(4.0), Limits(None)) == "no limit was set."
    beyond = "likely within the limit of 1 point, but the 95 % interval reaches beyond."
    assert shortly(open_, Limits(1.0)) == beyond
    assert "likely within the limit of 1 %, but only random inputs were compared" in shortly(
        drawn, Limits(1.0)
    )
    assert shortly(drawn, Limits(None)) == "no limit was set, but only random inputs were compared."
    assert "but outputs on these inputs say little of others" in shortly(flat, Limits(1.0))
    wide = unstable("wide", (5.0, 3.6, 5.7)).result
    assert wide is not None
    assert "; its speed is rough: its speed-up stayed uncertain by ±21%" in shortly(wide, Limits(1.0))


@pytest.mark.parametrize(("low", "chosen"), [(4.5, "faster"), (3.5, "steady")])
def test_an_unstable_point_must_be_faster_with_its_whole_interval(low: float, chosen: str) -> None:
    faster = unstable("faster", (8.0, low, 11.0))
    advice = recommend([BASELINE, candidate("steady", result(4.0)), faster], Limits(1.0))
    assert advice.candidate_id == chosen


def test_what_is_not_faster_is_not_recommended() -> None:
    advice = recommend([BASELINE, candidate("slower", result(0.8))], Limits(1.0))
    assert advice.candidate_id is None
    assert advice.near_miss is None
    assert "Nothing measured is faster than your model" in advice.sentence
    assert "0.80x" in advice.sentence


@pytest.mark.parametrize("speed", [(1.01, 0.97, 1.06), (1.0, 1.0, 1.0), (1.004, 1.001, 1.007)])
def test_a_tie_with_the_baseline_is_not_recommended(speed: tuple[float, float, float]) -> None:
    figures = result(1.0)
    tie = replace(figures, timing=replace(figures.timing, speedup=Interval(*speed)))
    for limits in (Limits(1.0), Limits(-1.0)):
        advice = recommend([BASELINE, candidate("tie", tie)], limits)
        assert advice.candidate_id is None
        assert advice.near_miss is None
    assert "aster than your model: the best, tie" in advice.sentence


def test_a_small_gain_is_told_with_digits_that_show_it() -> None:
    advice = recommend([BASELINE, candidate("small", result(1.03, width=0.01))], Limits(1.0))
    assert "1.03x (1.02–1.04) faster" in advice.sentence


def test_the_nearest_miss_is_the_one_that_a_person_would_want() -> None:
    useless = candidate("useless", result(0.9, drop=(1.1, 0.8, 1.4)))
    open_ = candidate("open", result(4.5, drop=(2.0, 0.5, 3.5)))
    slower = candidate("slower", result(1.5, drop=(1.2, 0.4, 2.0)))
    broken = candidate("broken", result(9.0, drop=(1.3, 1.2, 1.4)))
    advice = recommend([BASELINE, useless, slower, open_, broken], Limits(1.0))
    assert advice.near_miss == "open"
    assert "though its interval reaches within the limit, at 4.5x" in advice.sentence
    hardly = candidate("hardly", result(1.1, drop=(1.2, 1.1, 1.4)))
    assert recommend([BASELINE, useless, hardly, broken], Limits(1.0)).near_miss == "broken"


def test_sure_needs_the_whole_interval_of_the_latency_too() -> None:
    fast = candidate("fast", result(2.0))
    advice = recommend([BASELINE, fast], Limits(1.0, max_latency_ms=5.02))
    assert advice.candidate_id == "fast"
    assert not advice.sure
    assert "only its point respects the limit of 5.02 ms" in advice.sentence
    assert recommend([BASELINE, fast], Limits(1.0, max_latency_ms=5.1)).sure


def test_nothing_measured_yet() -> None:
    advice = recommend([BASELINE, candidate("waiting", None)], Limits())
    assert advice.candidate_id is None
    assert "No candidate has been measured yet" in advice.sentence
    spent = ErrorRecord(
        "over_budget", "The time budget was spent.", "Give the run a larger budget.", "budget"
    )
    skipped = [
        replace(candidate(name, None), status=CandidateStatus.SKIPPED, error=spent) for name in ("one", "two")
    ]
    advice = recommend([BASELINE, *skipped], Limits())
    assert advice.sentence.startswith("No candidate could be measured.")
    assert advice.sentence.endswith("Give the run a larger budget.")


def test_without_labels_disagreement_counts_against_the_limit() -> None:
    true = candidate("true", result(2.0, drop=None, agreement=Interval(99.5, 99.2, 99.8)))
    false = candidate("false", result(5.0, drop=None, agreement=Interval(90, 88, 92)))
    advice = recommend([BASELINE, true, false], Limits(1.0))
    assert advice.candidate_id == "true"
    assert advice.sure
    assert "agrees with it on 99.5 %" in advice.sentence


def test_latency_and_size_limits() -> None:
    verdict = judge(result(2.0, size=3_000_000), Limits(None, max_latency_ms=4.0, max_size_bytes=2_000_000))
    assert not verdict.meets
    assert verdict.violations == ("1.00 ms over the limit of 4 ms", "1.00 MB over the limit of 2 MB")


def test_no_limit_on_the_drop_lets_everything_through() -> None:
    lossy = candidate("lossy", result(9.0, drop=(30.0, 28.0, 32.0)))
    assert recommend([BASELINE, lossy], Limits(max_drop=None)).candidate_id == "lossy"


def test_the_last_comparison_is_among_those_that_could_be_recommended() -> None:
    rows = [
        BASELINE,
        candidate("slower", result(0.8)),
        candidate("chosen", result(4.0)),
        candidate("small", result(1.2)),
        unstable("wide", (5.0, 3.6, 5.7)),
        candidate("lossy", result(9.0, drop=(30.0, 28.0, 32.0))),
        candidate("waiting", None),
    ]
    assert [each.id for each in contenders(rows, Limits(1.0), 4)] == ["chosen", "wide", "small", "lossy"]
    assert [each.id for each in contenders(rows, Limits(1.0), 2)] == ["chosen", "wide"]
    assert contenders(rows[:2], Limits(1.0), 4) == []


def test_the_best_sure_one_meets_a_likely_one_in_the_final_heat() -> None:
    likely = [candidate(f"likely{speed}", result(speed, drop=(0.8, 0.2, 1.4))) for speed in (8.0, 8.1, 8.2)]
    rows = [BASELINE, *likely, candidate("slow", result(2.0)), candidate("sure", result(4.0))]
    assert [each.id for each in contenders(rows, Limits(1.0), 3)] == ["likely8.2", "sure", "likely8.1"]


def _with(figures: Result, **timing: Any) -> Result:
    return replace(figures, timing=replace(figures.timing, **timing))


def test_the_objective_decides_what_is_best() -> None:
    base = candidate("baseline", _with(result(1.0, size=4000), memory_bytes=4000), 0)
    fast = candidate("fast", _with(result(4.0, size=3000), memory_bytes=4000, throughput={1: 400.0}))
    gains = {8: Interval(6.0, 5.9, 6.1)}
    many = candidate(
        "many",
        _with(
            result(2.0, size=4000),
            memory_bytes=5000,
            throughput={1: 200.0, 8: 900.0},
            throughput_gain=gains,
            throughput_interval={8: Interval(900.0, 890.0, 910.0)},
        ),
    )
    small = candidate("small", _with(result(0.8, size=1000), memory_bytes=3900, throughput={1: 80.0}))
    lean = candidate("lean", _with(result(1.5, size=4000), memory_bytes=1000, throughput={1: 150.0}))
    rows = [base, fast, many, small, lean]
    wanted = dict(zip(Objective, ("fast", "many", "small", "lean"), strict=True))
    for objective, name in wanted.items():
        assert recommend(rows, Limits(1.0), objective).candidate_id == name
        assert contenders(rows, Limits(1.0), 1, objective)[0].id == name
    sentence = recommend(rows, Limits(1.0), Objective.SIZE).sentence
    assert "small is 4x smaller than your model, runs at 0.80x (0.78–0.82) its speed" in sentence


def test_of_equally_small_files_the_fastest_is_taken() -> None:
    base = candidate("baseline", result(1.0, size=4000), 0)
    rows = [base, candidate("slow", result(2.0)), candidate("fast", result(3.0))]
    assert recommend(rows, Limits(1.0), Objective.SIZE).candidate_id == "fast"
    same = recommend([base, candidate("same", result(9.0, size=4000))], Limits(1.0), Objective.SIZE)
    assert same.candidate_id is None
    assert "not measurably smaller" not in same.sentence
    assert "Nothing measured is measurably smaller than your model: the best, same" in same.sentence


def test_limits_on_memory_and_throughput_hold_for_any_objective() -> None:
    base = candidate("baseline", _with(result(1.0), memory_bytes=4_000_000), 0)
    heavy = candidate("heavy", _with(result(4.0), memory_bytes=9_000_000, throughput={1: 400.0}))
    slow = candidate("slow", _with(result(2.0), memory_bytes=2_000_000, throughput={1: 200.0}))
    rows = [base, heavy, slow]
    assert recommend(rows, Limits(1.0)).candidate_id == "heavy"
    assert recommend(rows, Limits(1.0, max_memory_bytes=3_000_000)).candidate_id == "slow"
    missed = recommend(rows, Limits(1.0, max_memory_bytes=1_000_000, min_throughput=300.0))
    assert missed.candidate_id is None
    assert judge(slow.result, Limits(1.0, min_throughput=300.0)).violations == (  # type: ignore[arg-type]
        "100 samples/s short of the limit of 300 samples/s",
    )


def test_a_detector_without_labels_is_told_by_the_detections_that_both_have() -> None:
    lists = Detections(400, 0.3, 0.98, same=False)
    agreement = Interval(99.6, 99.2, 99.8)
    output = OutputFidelity("boxes, scores, labels", None, 0.01, agreement, None, lists)
    found = result(2.0, drop=None, fidelity=Fidelity(agreement, None, 0.01, 100, (output,)))
    said = recommend([candidate("base", result(1.0), 0), candidate("fast", found)], Limits())
    assert "agrees with it on 99.6 % of the detections (no labels were given)" in said.sentence
    assert "the same" not in said.sentence
    assert not judge(found, Limits(0.3)).meets
