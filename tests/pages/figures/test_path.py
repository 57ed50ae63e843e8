from __future__ import annotations

from pages.figures import Visit, path_figure
from pages.figures.theme import LIGHT

VISITS = [
    Visit("slow", 10.0, 0.8, True, 1.0),
    Visit("fast", 20.0, 3.0, True, 3.0),
    Visit("lossy", 40.0, 5.0, False, 3.0),
]


def test_the_best_so_far_steps_up_and_lasts_until_now() -> None:
    rows, spec = path_figure(VISITS, 55.0, 90.0, ("Time (s)", "Speed-up (x)"), LIGHT)
    best = [(row["at"], row["value"]) for row in rows if row["kind"] == "best"]
    assert best == [(0.0, 1.0), (10.0, 1.0), (20.0, 3.0), (40.0, 3.0), (55.0, 3.0)]
    assert [row["limits"] for row in rows if row["kind"] == "visit"][-1] == "beyond them"
    assert [row["at"] for row in rows if row["kind"] == "budget"] == [90.0]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > 90


def test_time_goes_on_without_another_specification() -> None:
    """Or the browser would draw the chart anew."""
    first, later = (path_figure(VISITS, end, 90.0, ("Time (s)", "x"), LIGHT) for end in (41.0, 60.0))
    assert first[1] == later[1]
    assert first[0] != later[0]
