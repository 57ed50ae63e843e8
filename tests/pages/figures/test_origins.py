from __future__ import annotations

from pages.figures import Stage, origins_figure
from pages.figures.theme import LIGHT


def test_bars_start_at_zero_and_say_what_changed() -> None:
    stages = [Stage("Your model", 8.0, "8 ms"), Stage("OpenVINO", 4.0, "2x"), Stage("INT8", 1.5, "2.7x")]
    drawn = origins_figure(stages, LIGHT)
    assert list(drawn.data[0].y) == ["Your model", "OpenVINO", "INT8"]
    assert list(drawn.data[0].text) == ["8 ms", "2x", "2.7x"]
    assert drawn.layout.xaxis.range[0] == 0
    assert drawn.layout.xaxis.range[1] > 8
    assert drawn.layout.yaxis.autorange == "reversed"
    assert len(set(drawn.data[0].marker.color)) == 3
