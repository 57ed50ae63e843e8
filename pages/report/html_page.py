"""One self-contained, interactive HTML file of a run, which works without a network."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.domain.measurement import Interval
from core.store.store import Store
from core.views import Row, RunView, agreement_name, command_for, explain, findings_of
from pages import format as fmt
from pages.report.charts import charts
from pages.widgets.measures import output_error, rate_of

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
LIBRARIES = ("vega-6.4.0.js", "vega-lite-6.4.3.js", "vega-embed-7.3.0.js")
"""In the order in which they need each other."""


def html_page(store: Store, view: RunView) -> str:
    """Return the file, judged under the limits of `view`; everything in it is escaped by the template."""
    drawn = charts(view)
    page: str = _template().render(
        run=view.run,
        model=view.model,
        view=view,
        facts=_facts(view),
        figures=_figures(view),
        table=_table(view),
        columns=[name for name, _, _ in _cells(view.baseline, view)],
        charts=[{"id": each["id"], "title": each["title"], "panel": "panel" in each} for each in drawn],
        data=_script_json(drawn),
        libraries=libraries(),
        findings=_findings(store, view),
        environment=_environment(view),
        recipe=_recipe(store, view),
        command=_command(view),
        written=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )
    return page


@cache
def libraries() -> tuple[Markup, ...]:
    """Return the scripts that draw the charts, each as it may stand in a page."""
    found = (VENDOR / name for name in LIBRARIES)
    return tuple(Markup(each.read_text(encoding="utf-8").replace("</script", "<\\/script")) for each in found)


@cache
def _template() -> Any:
    loader = PackageLoader("pages.report", ".")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return made.get_template("template.html")


def _script_json(value: Any) -> Markup:
    """Return JSON that cannot end the script it stands in."""
    text = json.dumps(value)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _facts(view: RunView) -> dict[str, str]:
    request, data, progress = view.run.request, view.data, view.progress
    first = view.baseline.candidate.result
    limits = view.limits
    held = {
        "max loss": None if limits.max_drop is None else f"{limits.max_drop:g}",
        "max latency": None if limits.max_latency_ms is None else f"{limits.max_latency_ms:g} ms",
        "max file": None if limits.max_size_bytes is None else fmt.size(limits.max_size_bytes),
        "max memory": None if limits.max_memory_bytes is None else fmt.size(limits.max_memory_bytes),
        "min throughput": None if limits.min_throughput is None else f"{limits.min_throughput:g} samples/s",
    }
    return {
        "Model": f"{view.model.name}, {view.model.format}, {fmt.count(view.model.parameters)} parameters",
        "Data": "random inputs: no accuracy" if data is None else data.name,
        "Machine": view.machine or (first.timing.environment.cpu if first else fmt.NONE),
        "Calls": f"{fmt.plural(request.threads, 'thread')}, batch {request.batch}",
        "Limits": ", ".join(f"{name} {value}" for name, value in held.items() if value) or "none",
        "Measured": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(view.run.created)),
        "Candidates": f"{progress.total} tried, {progress.failed} of them without figures",
    }


def _figures(view: RunView) -> dict[str, tuple[str, str]]:
    """Return the figures of what is recommended, each with its change."""
    row = view.find(view.recommendation.candidate_id)
    if row is None:
        return {}
    result, base = row.candidate.result, view.baseline
    found = {"Latency": (fmt.milliseconds(row.latency_ms), f"{fmt.times(row.speedup)} faster")}
    if row.accuracy is not None and result is not None:
        found[row.scale.label] = fmt.score(row.accuracy, row.scale), fmt.score_change(result.accuracy)
    elif row.agreement is not None:
        found[agreement_name([row])] = fmt.agreement(row.agreement), "with the baseline"
    found["File"] = fmt.size(row.size_bytes), fmt.relative(row.size_bytes, base.size_bytes)
    found["Memory"] = fmt.size(row.memory_bytes), fmt.relative(row.memory_bytes, base.memory_bytes)
    return found


Cell = tuple[str, str, float | str]


def _cells(row: Row, view: RunView) -> list[Cell]:
    """Return the cells of a row: title, text, and what the column is sorted by."""
    base, result = row.candidate.position == 0, row.candidate.result
    state = "Baseline" if base else "Pareto-optimal" if row.on_front else row.status.capitalize()
    state = "★ Recommended" if row.id == view.recommendation.candidate_id else state
    cells: list[Cell] = [
        ("Candidate", row.name, row.name),
        ("State", state, state),
        ("Latency", fmt.milliseconds(row.latency_ms), row.latency_ms.value if row.latency_ms else ""),
        ("Speed-up", "1x" if base else fmt.times(row.speedup), row.speedup.value if row.speedup else ""),
    ]
    if view.quality == "accuracy":
        change = "" if base or result is None else fmt.score_change(result.accuracy)
        cells.append((view.scale.label, fmt.score(row.accuracy, view.scale), _key(row.accuracy)))
        cells.append(("Change", change, _key(row.change)))
    elif view.quality == "agreement":
        cells.append(("Agreement", fmt.agreement(row.agreement), _key(row.agreement)))
    else:
        lost = output_error(row)
        cells.append(("Output error", fmt.error(lost), _key(lost)))
    rate = rate_of(row)
    return [
        *cells,
        (
            "Throughput",
            fmt.NONE if rate is None else f"{fmt.significant(rate.value)}/s",
            _key(rate),
        ),
        ("File", fmt.size(row.size_bytes), _key(row.size_bytes)),
        ("Memory", fmt.size(row.memory_bytes), _key(row.memory_bytes)),
    ]


def _key(value: Interval | float | None) -> float | str:
    if isinstance(value, Interval):
        return value.value
    return "" if value is None else value


def _table(view: RunView) -> list[dict[str, Any]]:
    return [
        {
            "cells": _cells(row, view),
            "why": row.why,
            "best": row.id == view.recommendation.candidate_id,
        }
        for row in view.candidates
    ]


def _findings(store: Store, view: RunView) -> list[dict[str, Any]]:
    """Return the findings of all measured candidates, those of the recommended one first."""
    best = view.recommendation.candidate_id or view.recommendation.near_miss
    rows = sorted(view.candidates, key=lambda row: row.id != best)
    found = [(row, findings_of(store, view, row)) for row in rows]
    return [{"name": row.name, "open": row.id == best, "found": each} for row, each in found if each]


def _environment(view: RunView) -> dict[str, str]:
    first = view.baseline.candidate.result
    if first is None:
        return {}
    here = first.timing.environment
    control = view.control
    return {
        "A/A control": fmt.NONE
        if control is None
        else f"{fmt.times(control)}: your model against itself: 1 should lie within",
        "Processor": f"{here.cpu}, {fmt.plural(here.cores, 'core')}",
        "Instruction sets": ", ".join(here.isa) or fmt.NONE,
        "Memory": fmt.size(here.memory_bytes),
        "Frequency governor": here.governor or "hidden by the system",
        "System": f"{here.os}, Python {here.python}",
        "Load before and after": f"{here.load_before:.1f} and {here.load_after:.1f}",
        "Libraries": ", ".join(f"{name} {version}" for name, version in sorted(here.libraries.items())),
    }


def _command(view: RunView) -> str:
    """Return the command without the places of this installation."""
    _, _, options = command_for(view.model, view.data, view.run.request).partition(" optimize ")
    return f"whetstone optimize {options}"


def _recipe(store: Store, view: RunView) -> str:
    best = view.recommendation.candidate_id
    return explain(store, best, view.limits).recipe if best else ""
