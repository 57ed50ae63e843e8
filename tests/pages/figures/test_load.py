"""The chart of a service under load."""

from __future__ import annotations

import pytest

from pages.figures import load_figure, palette
from tests.packagers.serving.test_packaging import TRIAL


def test_the_line_of_a_bare_call_bears_its_name() -> None:
    figure = load_figure(TRIAL.loads, 100.0, palette(False))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.shapes[0].x0 == 100.0
    assert figure.layout.annotations[0].x == pytest.approx(2.0)
