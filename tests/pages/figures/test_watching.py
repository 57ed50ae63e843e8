from __future__ import annotations

from core.domain.watching import Feature, Window
from pages.figures import classes_figure, drift_figure, palette


def test_names_of_strangers_are_no_tags() -> None:
    figure = classes_figure([("<a href='http://x'>cat</a>", 0.4, 0.6), ("dog", None, 0.4)], palette(False))
    assert figure.data[0].x[0].startswith("&lt;a href")
    assert list(figure.data[1].y) == [60, 40]
    assert list(figure.data[0].y) == [40, None]


def test_drift_is_a_cross_at_its_window() -> None:
    def window(number: int, raised: bool) -> Window:
        found = Feature("x", "number", "t", 0.1, 0.1, 0.3 if raised else 0.0, None, None, raised)
        return Window(
            250, number, 0.0, 0.001, (found, Feature("e", "embedding", "t", 0, 1, None, None, None, False))
        )

    figure = drift_figure([window(2, True), window(1, False)], palette(True))
    assert [list(row) for row in figure.data[0].z] == [[0.0, 0.3]]
    assert (list(figure.data[1].x), list(figure.data[1].y)) == (["2"], ["x"])
