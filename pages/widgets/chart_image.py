"""Download of a chart as it is shown, as SVG or PNG, and of its figures as CSV; all made by the browser."""

from __future__ import annotations

from pages.widgets.component import component

_component = component("chart_image")


def chart_image(chart: str, *, name: str, table: bool = False) -> None:
    """Draw the buttons for the chart whose key begins with `chart`.

    Args:
        chart: Beginning of its key.
        name: Of the files.
        table: Whether its figures can be had as CSV, which those of plotly can.
    """
    about = {"chart": chart, "name": name, "table": table}
    _component(key=f"{chart}_image", width="content", data=about)
