"""Plotly figures out of plain rows, themed in one place."""

from __future__ import annotations

from pages.figures.calls import calls_figure
from pages.figures.confusion import confusion_figure
from pages.figures.distribution import Sample, beyond, distribution_figure
from pages.figures.errors import errors_figure
from pages.figures.learn import picture_figure
from pages.figures.load import load_figure
from pages.figures.looks import LEGEND, by_group, by_role
from pages.figures.multiples import Mark, Panel, extended, panel_figure
from pages.figures.origins import Stage, origins_figure
from pages.figures.parallel import Line, parallel_figure
from pages.figures.pareto import CROWDED, PICK, axis_range, pareto_figure
from pages.figures.path import Visit, path_figure
from pages.figures.points import Axis, Point, Role, roles, wide
from pages.figures.reliability import Calibration, reliability_figure
from pages.figures.series import series_figure
from pages.figures.sweep import sweep_figure
from pages.figures.theme import Palette, palette
from pages.figures.throughput import Series, throughput_figure
from pages.figures.thumbnail import thumbnail
from pages.figures.training import curve_figure
from pages.figures.watching import classes_figure, drift_figure, latency_over_time, requests_over_time

__all__ = [
    "CROWDED",
    "LEGEND",
    "PICK",
    "Axis",
    "Calibration",
    "Line",
    "Mark",
    "Palette",
    "Panel",
    "Point",
    "Role",
    "Sample",
    "Series",
    "Stage",
    "Visit",
    "axis_range",
    "beyond",
    "by_group",
    "by_role",
    "calls_figure",
    "classes_figure",
    "confusion_figure",
    "curve_figure",
    "distribution_figure",
    "drift_figure",
    "errors_figure",
    "extended",
    "latency_over_time",
    "load_figure",
    "origins_figure",
    "palette",
    "panel_figure",
    "parallel_figure",
    "pareto_figure",
    "path_figure",
    "picture_figure",
    "reliability_figure",
    "requests_over_time",
    "roles",
    "series_figure",
    "sweep_figure",
    "throughput_figure",
    "thumbnail",
    "wide",
]
