"""Candidates of a run as comma-separated values, one line each, units in the header."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import Any

from core.domain.measurement import Interval
from core.domain.quality import Scale
from core.views import Row, RunView
from pages.widgets.measures import output_error, rate_of

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_table(view: RunView) -> str:
    """Return the table of all candidates, measured or not, under the limits of `view`."""
    rows = [_cells(row, view) for row in view.candidates]
    written = StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _safe(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def columns(scale: Scale) -> tuple[str, str]:
    """Return the names of the columns of a metric and of its change, with their units."""
    unit = {"%": "_percent"}.get(scale.unit, f"_{scale.unit}" if scale.unit else "")
    name = re.sub(r"[^a-z0-9]+", "_", scale.name.lower().replace("²", "2")).strip("_")
    return f"{name}{unit.lower()}", f"change_{scale.step}".rstrip("_").lower()


def _cells(row: Row, view: RunView) -> dict[str, Any]:
    base = row.candidate.position == 0
    metric, change = columns(view.scale)
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "recommended": row.id == view.recommendation.candidate_id,
        "pareto_optimal": row.on_front,
        **_interval("latency_ms", row.latency_ms),
        **_interval("speedup", None if base else row.speedup),
        **_interval("throughput_per_s", rate_of(row)),
        metric: row.accuracy,
        **_interval(change, row.change),
        **_interval("agreement_percent", row.agreement),
        "error_percent": _value(output_error(row)),
        "sqnr_db": row.sqnr_db,
        "size_mb": None if row.size_bytes is None else row.size_bytes / 1e6,
        "memory_mb": None if row.memory_bytes is None else row.memory_bytes / 1e6,
        "why": row.why,
    }


def _value(found: Interval | None) -> float | None:
    return None if found is None else found.value


def _interval(name: str, found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _safe(value: Any) -> Any:
    """Return a text so that no spreadsheet runs it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
