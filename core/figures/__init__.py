"""Plotly figures out of plain rows, themed in one place."""

from __future__ import annotations

from core.figures.distribution import Sample, distribution_figure
from core.figures.marks import LEGEND
from core.figures.origins import Stage, origins_figure
from core.figures.pareto import pareto_figure
from core.figures.points import Axis, Point, roles
from core.figures.theme import Palette, palette
from core.figures.throughput import Series, throughput_figure

__all__ = [
    "LEGEND",
    "Axis",
    "Palette",
    "Point",
    "Sample",
    "Series",
    "Stage",
    "distribution_figure",
    "origins_figure",
    "palette",
    "pareto_figure",
    "roles",
    "throughput_figure",
]
