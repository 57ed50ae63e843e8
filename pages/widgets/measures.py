"""Figures that an axis or a panel can show: what each is called, its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from core.domain.measurement import Interval
from core.domain.quality import Scale
from core.domain.run import Limits
from core.insights.costs import cost_per_million
from core.insights.objectives import throughput
from core.views import Quality, Row, RunView, agreement_name
from pages import format as fmt

PERCENT = (0.0, 100.0)
NO_BOUNDS = (-inf, inf)
SIGNAL = "Fidelity: explained variance (%)"


@dataclass(frozen=True)
class Measure:
    """One figure of candidates.

    Attributes:
        title: With its unit.
        of: Returns the figure of a row in that unit, with its interval; None where it has none.
        higher: Whether more is better.
        limit: The person's limit in that unit; None for none.
        limit_label: What to write at the limit.
        bounds: What the figure cannot leave, such as 0 and 100 percent.
        panel: Shorter title for where there is little room; empty takes the title.
        share: Whether it is read as a share of 100, so that an axis need not begin at zero.
    """

    title: str
    of: Callable[[Row], Interval | None]
    higher: bool = False
    limit: float | None = None
    limit_label: str = "your limit"
    bounds: tuple[float, float] = (0.0, inf)
    share: bool = False
    panel: str = ""

    @property
    def short(self) -> str:
        """The title where there is little room."""
        return self.panel or self.title

    @property
    def name(self) -> str:
        """The title without its unit."""
        return self.title.partition(" (")[0]


def measures(view: RunView, limits: Limits, price: float | None = None) -> Mapping[str, Measure]:
    """Return what candidates of a run can be compared by; only what some candidate has.

    The first is the latency; ``quality`` is the one that the limit on the drop is for.

    Args:
        view: The run.
        limits: A person's, as they are now.
        price: Of such a machine for an hour, in whatever currency; None leaves the cost out.
    """
    rows = [row for row in view.candidates if row.latency_ms is not None]
    found = {
        "latency": _latency(rows, limits),
        "throughput": _throughput(limits),
        "quality": _quality(rows, view.quality, limits),
        "size": _size(rows, limits),
        "memory": _memory(limits),
    }
    if view.quality == "accuracy":
        kind: Quality = "agreement" if any(row.agreement is not None for row in rows) else "signal"
        found["fidelity"] = Measure(
            quality_title(rows, kind), lambda row: quality_of(row, kind), True,
            bounds=PERCENT, share=True, panel=_short(rows, kind),
        )  # fmt: skip
    if price:
        found["cost"] = _cost(price)
    return {name: each for name, each in found.items() if any(each.of(row) is not None for row in rows)}


def scaled(found: Interval | None, scale: float) -> Interval | None:
    """Return an interval in another unit."""
    return found and Interval(found.value * scale, found.low * scale, found.high * scale)


def _latency(rows: Sequence[Row], limits: Limits) -> Measure:
    unit, scale = time_scale(rows)
    limit = None if limits.max_latency_ms is None else limits.max_latency_ms * scale
    return Measure(f"Latency ({unit})", lambda row: scaled(row.latency_ms, scale), limit=limit)


def _throughput(limits: Limits) -> Measure:
    return Measure("Throughput (samples/s)", rate_of, True, limits.min_throughput)


def _size(rows: Sequence[Row], limits: Limits) -> Measure:
    unit, scale = size_scale(rows)
    limit = None if limits.max_size_bytes is None else limits.max_size_bytes / 1e6 * scale
    return Measure(f"File ({unit})", lambda row: scaled(size_of(row), scale), limit=limit)


def _memory(limits: Limits) -> Measure:
    limit = None if limits.max_memory_bytes is None else limits.max_memory_bytes / 1e6
    return Measure("Memory (MB)", memory_of, limit=limit)


def _quality(rows: Sequence[Row], quality: Quality, limits: Limits) -> Measure:
    scale = scale_of(rows)
    own = quality == "accuracy"
    share, higher = not own or scale.unit == "%", not own or scale.higher
    title = quality_title(rows, quality)
    about: dict[str, Any] = {
        "bounds": PERCENT if share else NO_BOUNDS,
        "share": True,
        "panel": _short(rows, quality),
    }
    if limits.max_drop is None:
        return Measure(title, lambda row: quality_of(row, quality), higher, **about)
    unit = scale.step if own else "% of the variance" if quality == "signal" else "points"
    drop = fmt.signed(-limits.max_drop) if share else f"{'−' if higher else '+'}{limits.max_drop:g}"
    limit = best(rows, quality) + (-limits.max_drop if higher else limits.max_drop)
    label = f"your limit: {drop} {unit}".strip()
    return Measure(title, lambda row: quality_of(row, quality), higher, limit, label, **about)


def _cost(price: float) -> Measure:
    """Return the cost of a million inferences: of a machine that is always busy with the best batch size."""

    def cost(row: Row) -> Interval | None:
        result = row.candidate.result
        if result is None:
            return None
        return cost_per_million(result.timing, row.candidate.recipe.target.batch, price)

    return Measure("Cost (per million)", cost)


def _short(rows: Sequence[Row], quality: Quality) -> str:
    if quality == "agreement":
        return f"{agreement_name(rows)} (%)"
    return "Explained variance (%)" if quality == "signal" else ""


def size_of(row: Row) -> Interval | None:
    """Return the megabytes of a row's files."""
    return None if row.size_bytes is None else _exact(row.size_bytes / 1e6)


def memory_of(row: Row) -> Interval | None:
    """Return the megabytes of memory at the peak, with the range over the starts."""
    if row.memory_bytes is None:
        return None
    result = row.candidate.result
    low, high = (result and result.timing.memory_range) or (row.memory_bytes, row.memory_bytes)
    return Interval(row.memory_bytes / 1e6, low / 1e6, high / 1e6)


def rate_of(row: Row) -> Interval | None:
    """Return the most samples per second over the batch sizes that were measured."""
    result = row.candidate.result
    return throughput(result.timing) if result is not None and result.timing.throughput else None


def scale_of(rows: Sequence[Row]) -> Scale:
    """Return how the accuracy of `rows` is read."""
    return next((row.scale for row in rows if row.accuracy is not None), Scale())


def quality_title(rows: Sequence[Row], quality: Quality) -> str:
    """Return the title of the axis of quality, with its unit."""
    if quality == "agreement":
        name = agreement_name(rows)
        return f"Fidelity: {name[:1].lower()}{name[1:]} with the baseline (%)"
    return SIGNAL if quality == "signal" else scale_of(rows).title


def best(rows: Sequence[Row], quality: Quality) -> float:
    """Return the baseline's quality, from which the limit counts down."""
    known = [row.accuracy for row in rows if row.accuracy is not None]
    if quality != "accuracy" or not known:
        return 100.0
    base = next((row.accuracy for row in rows if row.candidate.position == 0), None)
    return known[0] if base is None else base


def _exact(value: float) -> Interval:
    return Interval(value, value, value)


def fastest_ms(rows: Sequence[Row]) -> float:
    """Return the shortest latency of `rows` in milliseconds; 1 before there is any."""
    return min((row.latency_ms.value for row in rows if row.latency_ms is not None), default=1.0)


def time_scale(rows: Sequence[Row]) -> tuple[str, float]:
    """Return the one unit of time for charts and table of `rows`, and what to multiply milliseconds by."""
    return fmt.time_unit(fastest_ms(rows))


def size_scale(rows: Sequence[Row]) -> tuple[str, float]:
    """Return the one unit of files for charts and table of `rows`, and what to multiply megabytes by."""
    return fmt.size_unit(max((row.size_bytes for row in rows if row.size_bytes is not None), default=1e6))


def quality_of(row: Row, quality: Quality) -> Interval | None:
    """Return how good a row is, in percent or the metric's unit, with its interval; None where not known.

    Without labels it is that of the worst output: percent of the answers that are the same or, where there
    are no classes, of the signal that is no error.
    """
    result = row.candidate.result
    if result is None or (quality == "accuracy" and result.accuracy is None):
        return None
    if quality == "accuracy" and result.accuracy is not None:
        return result.accuracy.interval or _exact(result.accuracy.value)
    if row.candidate.position == 0:
        return _exact(100.0)
    lost = result.fidelity.worst.loss
    return Interval(_kept(lost.value), _kept(lost.high), _kept(lost.low))


def output_error(row: Row) -> Interval | None:
    """Return the worst output's error in percent of its variance; None for the baseline and for classes."""
    result = row.candidate.result
    if result is None or not row.candidate.position:
        return None
    worst = result.fidelity.worst
    return None if worst.top1_agreement is not None else worst.loss


def _kept(lost: float) -> float:
    """Return what is left of 100 percent; more noise than signal leaves nothing."""
    return min(100.0, max(0.0, 100 - lost))
