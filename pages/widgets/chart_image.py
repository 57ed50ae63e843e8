"""Download of a chart as it is shown, as SVG or PNG; the browser makes the picture."""

from __future__ import annotations

from pages.widgets.component import component

_component = component("chart_image")


def chart_image(chart: str, *, name: str) -> None:
    """Draw the buttons for the chart whose key begins with `chart`.

    Args:
        chart: Beginning of its key.
        name: Of the files.
    """
    _component(key=f"{chart}_image", width="content", data={"chart": chart, "name": name})
