"""A run as a table in Markdown, for a pull request, an issue or a wiki."""

from __future__ import annotations

from core.domain.measurement import Interval
from core.insights.amounts import places, signed
from core.views.rows import Row, agreement_name
from core.views.run import Quality, RunView


def _title(view: RunView) -> str:
    if view.quality == "agreement":
        return f"{agreement_name(view.candidates)} (%)"
    return "SQNR (dB)" if view.quality == "signal" else view.scale.title


def _interval(found: Interval | None, digits: int) -> str:
    if found is None:
        return "–"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f}–{found.high:.{digits}f})"


def _quality(row: Row, quality: Quality) -> str:
    if quality == "accuracy" and row.accuracy is not None:
        value = f"{row.accuracy:.1f}" if row.scale.unit == "%" else f"{row.accuracy:.4g}"
        result = row.candidate.result
        if row.change is None or result is None or result.accuracy is None:
            return value
        found, digits = row.change, places(result.accuracy)
        change, low, high = (signed(end, digits) for end in (found.value, found.low, found.high))
        return f"{value}, change {change} ({low}…{high})"
    if quality == "agreement":
        return _interval(row.agreement, 1)
    return "–" if row.sqnr_db is None else f"{row.sqnr_db:.1f}"


def _line(row: Row, view: RunView) -> str:
    mark = "★ " if row.id == view.recommendation.candidate_id else ""
    speedup = "1" if row.candidate.position == 0 else _interval(row.speedup, 2)
    size = "–" if row.size_bytes is None else f"{row.size_bytes / 1e6:.2f}"
    cells = (mark + row.name, _interval(row.latency_ms, 3), speedup, _quality(row, view.quality), size)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def report(view: RunView) -> str:
    """Return the recommendation, the table of measured candidates and where it was measured, in Markdown."""
    measured = [row for row in view.candidates if row.latency_ms is not None]
    heads = ("Candidate", "Latency (ms)", "Speed-up (x)", _title(view), "File (MB)")
    lines = [view.recommendation.explanation, "", f"| {' | '.join(heads)} |", f"| --- {'| ---: ' * 4}|"]
    lines += [_line(row, view) for row in measured]
    first = view.baseline.candidate.result
    if first is not None:
        here, request = first.timing.environment, view.run.request
        where = f"{view.machine or here.cpu}, threads: {request.threads}, batch: {request.batch}"
        lines += ["", f"Measured on {where}. In parentheses: 95 % intervals."]
    return "\n".join(lines) + "\n"
