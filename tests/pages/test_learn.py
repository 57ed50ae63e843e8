from __future__ import annotations

import pytest

from core.domain.learn import Picture
from core.domain.run import RunStatus
from core.store.store import Store
from core.views import topics
from pages.figures import palette, picture_figure
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_the_overview_leads_to_every_topic_and_holds_the_glossary(open_page: Open) -> None:
    app = open_page("learn.py")
    labels = {link.proto.label for link in app.get("page_link")}
    assert {f"**{topic.name}**" for topic in topics().values()} <= labels
    assert ":blue[Drift correction]" in words(app)


def test_a_topic_shows_the_own_figures_beside_the_rule_of_thumb(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("learn.py", topic="technique.int8_static_nncf")
    said = words(app)
    assert "**When to choose it**" in said
    assert "1 run: 7.4x, −2.5 points, 15 % of the file size." in said
    assert app.get("plotly_chart")[0].proto.alt.startswith("Every value becomes the nearest")


def test_an_unknown_topic_is_the_overview(open_page: Open) -> None:
    assert "## Learn" in words(open_page("learn.py", topic="technique.nothing"))


@pytest.mark.parametrize("picture", list(Picture))
def test_every_picture_can_be_drawn_and_told(picture: Picture) -> None:
    figure, told = picture_figure(picture, (("ONNX",), ("INT8",), ("ONNX",)), palette(dark=False))
    assert told
    assert len(figure.data) + len(figure.layout.shapes) > 0
