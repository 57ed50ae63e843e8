from __future__ import annotations

from pages.figures import Sample, distribution_figure
from pages.figures.theme import DARK


def test_calls_and_percentiles_are_drawn() -> None:
    drawn = distribution_figure([Sample("a", (1.0, 1.1, 1.2))], {"median": 1.1, "95 %": 1.2}, DARK)
    assert list(drawn.data[0].x) == [1.0, 1.1, 1.2]
    assert [note.text for note in drawn.layout.annotations] == ["median", "95 %"]
    assert [note.xanchor for note in drawn.layout.annotations] == ["right", "left"]
    assert [shape.x0 for shape in drawn.layout.shapes] == [1.1, 1.2]
    assert "(ms)" in drawn.layout.xaxis.title.text
