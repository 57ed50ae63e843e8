from __future__ import annotations

import pytest

from core.domain.measurement import Interval
from core.domain.quality import Accuracy, Scale
from core.texts import JOINER
from pages import format as fmt


def test_two_times_beside_each_other_share_a_unit() -> None:
    assert (fmt.ms(0.0872), fmt.ms(0.191, beside=0.0872)) == ("87.2 µs", "191 µs")
    assert fmt.ms(1.5, beside=None) == "1.50 ms"


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(1.234, 1.201, 1.267), "1.23 ms (1.20–1.27)"),
        (Interval(8.1, 7.94, 8.26), "8.10 ms (7.94–8.26)"),
        (Interval(123.4, 110.0, 140.0), "123 ms (110–140)"),
        (None, "–"),
    ],
)
def test_milliseconds_have_the_digits_their_interval_supports(interval: Interval | None, text: str) -> None:
    assert fmt.milliseconds(interval) == text


def test_times_have_the_unit_that_reads_best() -> None:
    assert fmt.milliseconds(Interval(0.00644, 0.0064, 0.00656)) == "6.44 µs (6.40–6.56)"
    assert fmt.ms(4373.0) == "4.37 s"
    assert fmt.ms(0.5) == "0.500 ms"
    assert fmt.ms(None, "too few calls") == "too few calls"


def test_speedups_and_changes_carry_intervals() -> None:
    assert fmt.times(Interval(5.12, 4.91, 5.33)) == "5.1x (4.9–5.3)"
    assert fmt.times(Interval(1.084, 1.05, 1.12)) == "1.08x (1.05–1.12)"
    drops = Interval(0.2, -0.1, 0.5), Interval(0.0, 0.0, 0.0)
    points = [fmt.score_change(Accuracy("top1", 90.0, drop, 100, 1, 1.0)) for drop in drops]
    assert points == ["−0.2 points (−0.5…+0.1)", "0.0 points (0.0…0.0)"]


def test_a_metric_is_told_in_its_own_unit_and_direction() -> None:
    error = Accuracy("mae", 60.31, Interval(0.42, -0.11, 0.9), 100, None, None, scale=Scale("MAE", "", False))
    assert fmt.score_change(error) == "+0.4 (−0.1…+0.9)"
    assert fmt.score(60.314, error.scale) == "60.31"
    assert fmt.score_interval(Interval(60.3, 53.2, 67.5), error.scale) == "60.3 (53.2–67.5)"
    assert fmt.score_interval(Interval(31.0, 30.5, 31.5), Scale("PSNR", "dB")) == "31 dB (30.5–31.5)"


def test_fidelity_has_a_unit() -> None:
    assert fmt.agreement(Interval(99.4, 98.9, 99.8)) == "99.4 % (98.9–99.8)"
    assert fmt.agreement(None) == "–"
    assert fmt.decibel(34.56) == "34.6 dB"
    assert fmt.decibel(None) == "the same outputs"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (950, "950 B"),
        (52_000, "52 kB"),
        (52_040, "52.0 kB"),
        (3_400_000, "3.40 MB"),
        (4_294_967_296, "4.29 GB"),
        (4_000_000_000, "4 GB"),
        (None, "–"),
    ],
)
def test_sizes(value: float | None, text: str) -> None:
    assert fmt.size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (48, "48 s"), (200, "3 min 20 s"), (1200, "20 min"), (3900, "1 h 05 min"), (None, "–")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert fmt.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.4, "about 5 s"),
        (48, "about 50 s"),
        (88, "about 1 min 30 s"),
        (95, "about 2 min"),
        (451, "about 8 min"),
        (1700, "about 30 min"),
        (5000, "about 1 h 20 min"),
    ],
)
def test_expected_times_are_no_finer_than_they_are_known(seconds: float | None, text: str) -> None:
    assert fmt.roughly(seconds) == text


@pytest.mark.parametrize(
    ("past", "text"),
    [(5, "just now"), (300, "5 min ago"), (7200, "2 h ago"), (90_000, "1 day ago"), (200_000, "2 days ago")],
)
def test_ago(past: float, text: str) -> None:
    assert fmt.ago(1_000_000 - past, now=1_000_000) == text


def test_counts_shapes_and_plurals() -> None:
    assert fmt.count(269_722) == "270 k"
    assert fmt.count(41_300_000) == "41.3 M"
    assert fmt.shape(("batch", 3, 224, 224)) == "batch × 3 × 224 × 224"
    assert fmt.shape(()) == "scalar"
    assert (fmt.plural(1, "run"), fmt.plural(3, "run")) == ("1 run", "3 runs")
    assert fmt.significant(0) == "0"
    assert fmt.significant(0.00123) == "0.00123"
    assert fmt.significant(12345.6) == "12,346"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("INT8 static, NNCF + BF16 · OpenVINO", "INT8 static, NNCF + BF16 · OpenVINO"),
        ("Use BF16 on OpenVINO: it is fast.", "Use BF16 on OpenVINO: it is fast."),
        ("![q](a.png) **b** `c` $d$ <img> &amp;", r"!\[q\](a.png) \*\*b\*\* \`c\` \$d\$ \<img> \&amp;"),
        ("# one\n\n- two", r"\# one - two"),
        ("1. one", r"1\. one"),
        ("5.2x faster", "5.2x faster"),
        (":red[x]", rf":{JOINER}red\[x\]"),
        ("http://a.b www.a.b", rf"http:{JOINER}//a.b www{JOINER}.a.b"),
    ],
)
def test_names_and_messages_are_shown_letter_by_letter(text: str, shown: str) -> None:
    assert fmt.plain(text) == shown


@pytest.mark.parametrize(("size", "text"), [(25.0, "−75 %"), (130.0, "+30 %"), (100.2, "0 %"), (None, "–")])
def test_a_change_against_the_baseline(size: float | None, text: str) -> None:
    assert fmt.relative(size, 100.0) == text


def test_only_names_that_occur_twice_say_more() -> None:
    assert fmt.apart(["a", "b", "a"], ["1 MB", "2 MB", "3 MB"]) == ["a (1 MB)", "b", "a (3 MB)"]


@pytest.mark.parametrize(
    ("name", "label"), [("accuracy", "Accuracy"), ("macro-F1", "Macro-F1"), ("mAP", "mAP"), ("R²", "R²")]
)
def test_a_metrics_own_letters_stay_as_they_are(name: str, label: str) -> None:
    assert Scale(name).label == label
