"""Plotly figures out of plain rows, themed in one place."""

from __future__ import annotations

from pages.figures.calls import calls_figure
from pages.figures.distribution import Sample, distribution_figure
from pages.figures.learn import picture_figure
from pages.figures.marks import LEGEND, MOST_BARS
from pages.figures.multiples import Mark, Panel, extended, panel_figure
from pages.figures.origins import Stage, origins_figure
from pages.figures.pareto import pareto_figure
from pages.figures.points import Axis, Point, Role, roles
from pages.figures.theme import Palette, palette
from pages.figures.throughput import Series, throughput_figure
from pages.figures.training import curve_figure

__all__ = [
    "LEGEND",
    "MOST_BARS",
    "Axis",
    "Mark",
    "Palette",
    "Panel",
    "Point",
    "Role",
    "Sample",
    "Series",
    "Stage",
    "calls_figure",
    "curve_figure",
    "distribution_figure",
    "extended",
    "origins_figure",
    "palette",
    "panel_figure",
    "pareto_figure",
    "picture_figure",
    "roles",
    "throughput_figure",
]
