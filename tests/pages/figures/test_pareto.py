from __future__ import annotations

import random

import plotly.graph_objects as go
import pytest

from core.domain.measurement import Interval
from pages.figures import Axis, Point, palette, pareto_figure, roles
from pages.figures.labels import Spot, place
from pages.figures.theme import DARK, LIGHT

X, Y = Axis("Latency (ms)"), Axis("Accuracy (%)")


def point(name: str, ms: float, accuracy: float, *, room: float = 0.01, baseline: bool = False) -> Point:
    y = Interval(accuracy, accuracy - 0.3, accuracy + 0.2)
    return Point(name, name, Interval(ms, ms - room, ms + room), y, int(ms * 1e6), ("a line",), baseline)


POINTS = [
    point("baseline", 8.0, 98.0, baseline=True),
    point("fast", 1.0, 95.0),
    point("good", 2.0, 98.5),
    point("tied", 2.01, 98.4, room=0.05),
    point("dominated", 4.0, 97.0),
]


def figure(**options: object) -> go.Figure:
    return pareto_figure(POINTS, X, Y, LIGHT, **options)  # type: ignore[arg-type]


def trace(drawn: go.Figure, meta: str) -> go.Scatter:
    return next(each for each in drawn.data if each.meta == meta)


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


def test_of_very_many_points_only_those_that_matter_have_bars() -> None:
    base = point("baseline", 20.0, 50.0, baseline=True)
    line = [point(f"w{at}", 1 + at / 10, 50 + at / 10) for at in range(10)]
    dominated = [point(f"b{at}", 5 + at / 10, 40.0) for at in range(200)]
    drawn = pareto_figure([base, *line, *dominated], X, Y, LIGHT)
    bars = {each.meta: each.error_y.array for each in drawn.data if each.mode == "markers"}
    assert bars["dominated"] is None
    assert len(bars["front"]) == len(line)


def test_names_stay_within_the_plot_however_crowded_it_is() -> None:
    chance = random.Random(3)
    spots = [Spot(chance.uniform(0, 300), chance.uniform(0, 300), 10) for _ in range(800)]
    (label,) = place([Spot(30, 150, 10, "INT8 static (percentile) · OpenVINO"), *spots], 700, 400)
    assert label.xanchor == "left"


def test_of_a_long_front_only_a_few_are_named() -> None:
    line = [point(f"w{at}", 1 + at / 10, 50 + at / 10) for at in range(129)]
    base = point("baseline", 20.0, 50.0, baseline=True)
    drawn = pareto_figure([base, *line], X, Y, LIGHT, recommended="w65", selected="w66")
    names = {each.text for each in drawn.layout.annotations}
    assert {"baseline", "w0", "w128", "w65", "w66"} <= names
    assert len(names) <= 10


def test_the_line_passes_through_non_dominated_points_only() -> None:
    line = trace(figure(), "front")
    assert list(line.x) == [1.0, 2.0]
    assert list(line.y) == [95.0, 98.5]
    assert line.line.shape == "hv"


def test_a_dominated_baseline_is_not_on_the_line_and_a_winning_one_is() -> None:
    alone = pareto_figure(
        [point("baseline", 1.0, 99.0, baseline=True), point("other", 2.0, 98.0)], X, Y, LIGHT
    )
    assert list(next(each for each in alone.data if each.name == "Pareto front").x) == [1.0]


def test_both_axes_carry_their_intervals() -> None:
    good = next(
        each
        for each in figure().data
        if each.customdata is not None and ["good"] in [*map(list, each.customdata)]
    )
    at = [row[0] for row in good.customdata].index("good")
    assert good.error_x.array[at] == pytest.approx(0.01)
    assert good.error_y.array[at] == pytest.approx(0.2)
    assert good.error_y.arrayminus[at] == pytest.approx(0.3)


def test_latency_starts_at_zero() -> None:
    assert figure().layout.xaxis.range[0] == 0


def test_ring_and_outline_sit_on_their_points() -> None:
    drawn = figure(recommended="good", selected="fast")
    assert (trace(drawn, "recommended").x[0], trace(drawn, "recommended").y[0]) == (2.0, 98.5)
    assert (trace(drawn, "selected").x[0], trace(drawn, "selected").y[0]) == (1.0, 95.0)
    assert {each.meta for each in figure().data}.isdisjoint({"recommended", "selected"})


def test_the_region_outside_the_limits_is_shaded() -> None:
    drawn = pareto_figure(POINTS, Axis("ms", 3.0, "slow"), Axis("%", 97.0, "bad"), LIGHT)
    below, right = (shape for shape in drawn.layout.shapes if shape.type == "rect")
    assert below.y1 == 97.0
    assert right.x0 == 3.0
    assert {"slow", "bad"} <= {note.text for note in drawn.layout.annotations}
    assert not figure().layout.shapes


def test_marker_area_grows_with_the_file() -> None:
    sizes = {
        row[0]: size
        for each in figure().data
        if each.customdata is not None
        for row, size in zip(each.customdata, each.marker.size, strict=True)
    }
    assert sizes["fast"] < sizes["good"] < sizes["baseline"]


def test_fidelity_has_its_own_colour_in_both_themes() -> None:
    for colors in (LIGHT, DARK):
        kinds = [pareto_figure(POINTS, X, Y, colors, labelled=labelled) for labelled in (True, False)]
        tones = [next(each for each in one.data if each.name == "Pareto front").line.color for one in kinds]
        assert tones == [colors.accuracy, colors.fidelity]
        assert tones[0] != tones[1]


def test_hover_says_everything_and_rings_stay_out_of_the_way() -> None:
    drawn = figure(recommended="good")
    assert trace(drawn, "recommended").hoverinfo == "skip"
    assert any("a line" in text for each in drawn.data if each.text is not None for text in each.text)


def test_no_points_make_an_empty_chart_without_an_error() -> None:
    assert not pareto_figure([], X, Y, palette(dark=True)).data


def test_the_same_points_make_the_same_figure() -> None:
    assert figure().to_json() == figure().to_json()


def test_zoom_keeps_zero_and_says_what_it_leaves_out() -> None:
    near = figure(zoom=True)
    assert near.layout.xaxis.range[0] == 0
    assert 2.0 < near.layout.xaxis.range[1] < 4.0
    assert any(note.text.startswith("2 slower or larger") for note in near.layout.annotations)
    assert figure().layout.xaxis.range[1] > 8.0
