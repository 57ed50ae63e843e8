from __future__ import annotations

from pages.figures import Line, parallel_figure
from pages.figures.looks import Look
from pages.figures.theme import LIGHT

LOOK = Look("Pareto-optimal", "blue", "circle")


def line(name: str, ms: float, accuracy: float | None) -> Line:
    values = {"Latency (ms)": ms} | ({} if accuracy is None else {"Accuracy (%)": accuracy})
    return Line(name, name, values, {title: f"{value:g}" for title, value in values.items()}, LOOK)


LINES = [line("slow", 8.0, 98.0), line("fast", 2.0, 96.0), line("half", 5.0, None)]
AXES = {"Latency (ms)": False, "Accuracy (%)": True}


def test_up_is_better_on_every_axis_and_what_is_unknown_leaves_a_gap() -> None:
    rows, _ = parallel_figure(LINES, AXES, LIGHT)
    at = {(row["id"], row["axis"]): row["at"] for row in rows if row["kind"] == "line"}
    assert at[("fast", "Latency (ms)")] == 1.0
    assert at[("slow", "Latency (ms)")] == 0.0
    assert at[("half", "Latency (ms)")] == 0.5
    assert at[("fast", "Accuracy (%)")] == 0.0
    assert ("half", "Accuracy (%)") not in at
    ends = {(row["axis"], row["up"]): row["text"] for row in rows if row["kind"] == "end"}
    assert ends[("Latency (ms)", True)] == "2"
    assert ends[("Accuracy (%)", True)] == "98"


def test_a_selection_changes_data_only() -> None:
    first, second = (parallel_figure(LINES, AXES, LIGHT, selected=key) for key in ("fast", "slow"))
    assert first[1] == second[1]
    assert {row["id"] for row in second[0] if row.get("loud")} == {"slow"}
