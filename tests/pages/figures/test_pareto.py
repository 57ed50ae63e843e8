from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from core.domain.measurement import Interval
from pages.figures import CROWDED, Axis, Point, axis_range, pareto_figure, roles, wide
from pages.figures.labels import Spot, place
from pages.figures.theme import DARK, LIGHT

X, Y = Axis("Latency (ms)"), Axis("Accuracy (%)", higher=True, bounds=(0.0, 100.0), share=True)


def point(name: str, ms: float, accuracy: float, *, room: float = 0.01, baseline: bool = False) -> Point:
    y = Interval(accuracy, accuracy - 0.3, accuracy + 0.2)
    return Point(
        name, name, Interval(ms, ms - room, ms + room), y, int(ms * 1e6), {"Latency": "a line"}, baseline
    )


POINTS = [
    point("baseline", 8.0, 98.0, baseline=True),
    point("fast", 1.0, 95.0),
    point("good", 2.0, 98.5),
    point("tied", 2.01, 98.4, room=0.05),
    point("dominated", 4.0, 97.0),
]


Drawn = tuple[list[dict[str, Any]], dict[str, Any]]


def figure(*, points: list[Point] = POINTS, x: Axis = X, y: Axis = Y, **options: Any) -> Drawn:
    return pareto_figure(points, x, y, LIGHT, **options)


def of(drawn: Drawn, kind: str) -> list[dict[str, Any]]:
    return [row for row in drawn[0] if row["kind"] == kind]


def layer(drawn: Drawn, kind: str, mark: str) -> dict[str, Any]:
    found = (each for each in drawn[1]["layer"] if f"'{kind}'" in each["transform"][0]["filter"])
    return next(each for each in found if each["mark"]["type"] == mark)


def test_among_many_points_those_that_matter_have_intervals() -> None:
    many = [*POINTS, *(point(f"p{at}", 5.0 + at / 1000, 90.0) for at in range(CROWDED))]
    rows = {row["id"]: row for row in of(figure(points=many, recommended="good", selected="p7"), "point")}
    assert {name for name, row in rows.items() if "x_low" in row} == {
        "baseline",
        "fast",
        "good",
        "tied",
        "p7",
    }
    assert all("x_low" in row for row in of(figure(), "point"))


def test_roles_tell_front_ties_and_dominated_points_apart() -> None:
    assert roles(POINTS) == {
        "baseline": "baseline",
        "fast": "front",
        "good": "front",
        "tied": "tied",
        "dominated": "dominated",
    }


def test_roles_among_many_are_those_of_the_definition() -> None:
    chance = random.Random(1)
    many = [
        point(f"p{at}", (ms := chance.uniform(1, 9)), 90 + ms - chance.choice((0.0, 0.2, 2.0)), room=0.1)
        for at in range(300)
    ]
    found = roles(many)
    winners = [each for each in many if found[each.id] == "front"]
    assert len(winners) > 20
    for each in many:
        tied = any(each.x.overlaps(other.x) and each.y.overlaps(other.y) for other in winners)
        assert found[each.id] == ("front" if each in winners else "tied" if tied else "dominated")


def test_looking_for_ties_does_not_hold_each_candidate_against_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def overlaps(one: Interval, other: Interval) -> bool:
        nonlocal asked
        asked += 1
        return one.low <= other.high and other.low <= one.high

    monkeypatch.setattr(Interval, "overlaps", overlaps)
    line = [point(f"w{at}", 1 + at / 10, 50 + at / 10) for at in range(400)]
    below = [point(f"b{at}", 1 + at / 10, 40 + at / 10) for at in range(400)]
    roles([*line, *below])
    assert asked < 10 * len(line)


def test_more_may_be_better_on_either_axis() -> None:
    """Of throughput against the file size the first is better where it is more."""
    assert roles(POINTS, Axis("rate", higher=True), Axis("size"))["fast"] == "front"
    assert roles(POINTS, Axis("rate", higher=True), Axis("size"))["dominated"] == "front"
    assert roles(POINTS, Axis("rate", higher=True), Axis("size"))["good"] == "dominated"


def test_names_stay_within_the_plot_however_crowded_it_is() -> None:
    chance = random.Random(3)
    spots = [Spot(chance.uniform(0, 300), chance.uniform(0, 300), 10) for _ in range(800)]
    (label,) = place([Spot(30, 150, 10, "INT8 static (percentile) · OpenVINO"), *spots], 700, 400)
    assert label.xanchor == "left"


def test_of_a_long_front_only_a_few_are_named() -> None:
    line = [point(f"w{at}", 1 + at / 10, 50 + at / 10) for at in range(129)]
    base = point("baseline", 20.0, 50.0, baseline=True)
    drawn = figure(points=[base, *line], recommended="w65", selected="w66")
    names = {row["label"] for row in of(drawn, "point")} - {""}
    assert {"baseline", "w0", "w128", "w65", "w66"} <= names
    assert len(names) <= 10


def test_the_step_line_passes_through_non_dominated_points_only() -> None:
    drawn = figure()
    assert [(row["x"], row["y"]) for row in of(drawn, "front")] == [(1.0, 95.0), (2.0, 98.5)]
    assert layer(drawn, "front", "line")["mark"]["interpolate"] == "step-after"
    rate = figure(x=Axis("Throughput", higher=True))
    assert layer(rate, "front", "line")["mark"]["interpolate"] == "step-before"


def test_a_winning_baseline_is_on_the_line() -> None:
    points = [point("baseline", 1.0, 99.0, baseline=True), point("other", 2.0, 98.0)]
    assert [row["x"] for row in of(figure(points=points), "front")] == [1.0]


def test_intervals_are_quiet_until_their_point_is_hovered_or_selected() -> None:
    drawn = figure(selected="good")
    rule = layer(drawn, "point", "rule")["encoding"]
    assert (rule["x"]["field"], rule["x2"]["field"]) == ("x_low", "x_high")
    loud = rule["strokeOpacity"]
    assert loud["value"] < 0.3 < loud["condition"]["value"]
    assert {"param": "over", "empty": False} in loud["condition"]["test"]["or"]
    good = next(row for row in of(drawn, "point") if row["id"] == "good")
    assert good["chosen"]
    assert (good["y_low"], good["y_high"]) == pytest.approx((98.2, 98.7))


def test_a_cost_starts_at_zero_unless_it_is_logarithmic() -> None:
    costs = [Interval(value, value, value) for value in (0.1, 0.12, 0.2, 9.0)]
    assert axis_range(costs, X)[0] == 0
    assert wide([cost.value for cost in costs])
    assert not wide([1.0, 2.0, 4.0])
    low, high = axis_range(costs, Axis("Latency (ms)", log=True))
    assert 0 < low < 0.1
    assert 9 < high < 20


def test_few_shares_that_lost_all_do_not_squeeze_the_others() -> None:
    shares = [Interval(value, value, value) for value in (100.0, 99.9, 99.5, 11.0)]
    assert axis_range(shares, Y)[0] > 98
    assert axis_range(shares, replace(Y, whole=True))[0] < 11
    apart = [Interval(value, value, value) for value in (100.0, 60.0, 40.0, 11.0)]
    assert axis_range(apart, Y)[0] < 11
    drawn = figure(points=[*POINTS, point("lost", 0.5, 10.0)])
    (lost,) = of(drawn, "beyond")
    assert (lost["id"], lost["label"]) == ("lost", "")
    assert lost["y"] == of(drawn, "ends")[0]["y"], "its own place would widen the axis in the browser"


def test_names_keep_off_the_words_at_a_limit() -> None:
    limited = replace(Y, limit=97.0, limit_label="your limit: −1.0 points")
    at = point("FP32 · ONNX Runtime", 8.0, 97.0, baseline=True)
    fast = point("fast", 1.0, 97.5)
    free = next(row for row in of(figure(points=[at, fast]), "point") if row["id"] == at.id)
    kept = next(row for row in of(figure(points=[at, fast], y=limited), "point") if row["id"] == at.id)
    assert free["label"] == kept["label"] == at.name
    assert kept["dy"] < 0, "above the line, whose words stand below it"


def test_an_axis_stays_as_it_is_while_points_of_its_range_come() -> None:
    some = [Interval(value, value, value) for value in (1.0, 8.0)]
    assert axis_range(some, X) == axis_range([*some, Interval(5.0, 4.9, 5.2)], X)


def test_the_ends_of_the_axes_are_data_and_hold_every_interval() -> None:
    more = [*POINTS, point("slow", 20.0, 90.0)]
    first, later = figure(), figure(points=more)
    assert later[1] == first[1]
    low, high = of(later, "ends")
    assert (low["x"], low["y"] < 89.7, high["x"] > 20.0, high["y"] <= 100) == (0.0, True, True, True)
    assert all(low["x"] <= row["x_low"] <= row["x_high"] <= high["x"] for row in of(later, "point"))


def test_what_is_selected_changes_data_and_not_the_chart() -> None:
    """The browser keeps zoom and pan as long as the specification is the same."""
    assert figure(selected="fast")[1] == figure(selected="good", recommended="fast")[1]
    limited = pareto_figure(POINTS, Axis(X.title, limit=3.0), Y, LIGHT)
    assert limited[1] == figure()[1]


def test_ring_and_outline_are_told_by_the_data() -> None:
    rows = {row["id"]: row for row in of(figure(recommended="good", selected="fast"), "point")}
    assert [key for key, row in rows.items() if row["best"]] == ["good"]
    assert [key for key, row in rows.items() if row["chosen"]] == ["fast"]


def test_the_region_outside_the_limits_is_shaded() -> None:
    x, y = Axis("ms", limit=3.0, limit_label="slow"), Axis("%", True, 97.0, "bad", share=True)
    drawn = figure(x=x, y=y)
    assert [(row["x"], row["label"]) for row in of(drawn, "limit_x")] == [(3.0, "slow")]
    assert [(row["y"], row["label"]) for row in of(drawn, "limit_y")] == [(97.0, "bad")]
    assert layer(drawn, "limit_x", "rect")["encoding"]["x2"] == {"value": "width"}
    assert layer(drawn, "limit_y", "rect")["encoding"]["y2"] == {"value": "height"}
    assert not of(figure(), "limit_x")


def test_marker_area_grows_with_the_file() -> None:
    sizes = {row["id"]: row["size"] for row in of(figure(), "point")}
    assert sizes["fast"] < sizes["good"] < sizes["baseline"]


def test_fidelity_has_its_own_colour_in_both_themes() -> None:
    for colors in (LIGHT, DARK):
        kinds = [pareto_figure(POINTS, X, Y, colors, labelled=labelled) for labelled in (True, False)]
        assert [layer(one, "front", "line")["mark"]["color"] for one in kinds] == [
            colors.accuracy,
            colors.fidelity,
        ]


def test_groups_are_told_by_colour_and_shape_and_small_ones_share_theirs() -> None:
    many = [point("baseline", 9.0, 98.0, baseline=True)]
    many += [replace(point(f"p{at}", 1.0 + at, 90.0 + at), group=f"group {at % 12}") for at in range(30)]
    marker = layer(figure(points=many), "point", "point")["encoding"]
    labels, tones, shapes = (
        marker["color"]["scale"]["domain"],
        marker["color"]["scale"]["range"],
        marker["shape"]["scale"]["range"],
    )
    assert labels[0] == "Baseline (your model)"
    assert "Others" in labels
    assert len(set(zip(tones, shapes, strict=True))) == len(labels) <= 8


def test_hovering_says_everything_by_its_label() -> None:
    drawn = figure()
    told = layer(drawn, "point", "point")["encoding"]["tooltip"]
    assert [each["title"] for each in told] == ["Candidate", "Latency"]
    assert {row[told[1]["field"]] for row in of(drawn, "point")} == {"a line"}
