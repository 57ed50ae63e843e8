"""Number formatting: units, intervals, and no more digits than the interval supports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import ceil, log10

from core.domain.measurement import Interval
from core.domain.quality import Accuracy, Fidelity, Scale
from core.insights import amounts
from core.insights.amounts import places, range_words
from core.insights.amounts import signed as signed_to
from core.texts import as_markdown

NONE = "–"
ROUNDED = ((30, 5), (90, 10), (1200, 60), (3600, 300))
"""Seconds up to which an expected time is rounded to so many."""

plain = as_markdown
plural = amounts.plural
significant = amounts.significant
time_unit = amounts.time_unit


def number(value: float | None) -> str:
    """Return `value` in three digits, or a dash where there is none."""
    return NONE if value is None else significant(value)


def _places(interval: Interval) -> int:
    width = interval.high - interval.low
    return 2 if width <= 0 else min(4, max(0, ceil(log10(5 / width))))


def milliseconds(interval: Interval | None) -> str:
    """Return such as ``1.23 ms (1.20–1.27)``."""
    if interval is None:
        return NONE
    unit, scale = time_unit(interval.value)
    found = Interval(interval.value * scale, interval.low * scale, interval.high * scale)
    n = _places(found)
    return f"{found.value:.{n}f} {unit} ({found.low:.{n}f}–{found.high:.{n}f})"


def ms(value: float | None, none: str = NONE, beside: float | None = None) -> str:
    """Return such as ``1.23 ms``, or `none` where there is no figure; in the unit of the time `beside` it."""
    if value is None:
        return none
    unit, scale = time_unit(beside or value)
    return f"{significant(value * scale)} {unit}"


def times(interval: Interval | None) -> str:
    """Return such as ``5.1x (4.9–5.3)``."""
    if interval is None:
        return NONE
    n = 2 if interval.value < 2 else 1
    return f"{interval.value:.{n}f}x ({interval.low:.{n}f}–{interval.high:.{n}f})"


def loss(percent: float) -> str:
    """Return an error in percent with two digits, such as ``0.91``, or ``<0.001``."""
    return "<0.001" if 0 < percent < 0.001 else significant(percent, 2)


def signed(value: float) -> str:
    """Return `value` with one digit and a sign, zero without one."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def score(value: float | None, scale: Scale) -> str:
    """Return a value of a metric in its unit, such as ``98.2 %`` or ``44.31``."""
    return NONE if value is None else scale.words(value)


def score_interval(found: Interval, scale: Scale) -> str:
    """Return a value of a metric with its interval, such as ``98.2 % (97.5–98.8)``."""
    if found.high <= found.low:
        return score(found.value, scale)
    if scale.unit == "%":
        return agreement(found)
    return f"{scale.words(found.value)} ({found.low:.4g}–{found.high:.4g})"


def score_change(accuracy: Accuracy | None) -> str:
    """Return the change of a metric, such as ``−0.2 points (−0.5…+0.1)`` or ``+0.12 (+0.05…+0.20)``."""
    if accuracy is None:
        return NONE
    value = signed_to(accuracy.change.value, places(accuracy))
    return f"{value} {accuracy.scale.step}".strip() + f" ({range_words(accuracy)})"


def percent(value: float | None) -> str:
    """Return such as ``98.2 %``."""
    return NONE if value is None else f"{value:.1f} %"


def agreement(top1: Interval | None) -> str:
    """Return such as ``99.4 % (98.9–99.8)``."""
    return NONE if top1 is None else f"{top1.value:.1f} % ({top1.low:.1f}–{top1.high:.1f})"


def decibel(sqnr_db: float | None) -> str:
    """Return a signal-to-noise ratio such as ``34.6 dB``; None means that nothing differs."""
    return "the same outputs" if sqnr_db is None else f"{sqnr_db:.1f} dB"


def closeness(fidelity: Fidelity) -> tuple[str, str]:
    """Return name and value of what tells how close outputs are: the SQNR, or how boxes overlap."""
    if fidelity.detections is None:
        return "SQNR", decibel(fidelity.sqnr_db)
    overlap = fidelity.detections.overlap
    return "Box overlap", NONE if overlap is None else f"IoU {overlap:.3f}"


def error(found: Interval | None) -> str:
    """Return an output error such as ``0.042 % (0.036–0.049)``."""
    if found is None:
        return NONE
    value, low, high = (significant(each, 2) for each in (found.value, found.low, found.high))
    return f"{value} % ({low}–{high})"


def size(value: float | None) -> str:
    """Return bytes as B, kB, MB or GB (powers of 1000)."""
    if value is None:
        return NONE
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            whole = value % scale == 0
            return f"{f'{value / scale:,.0f}' if whole else significant(value / scale)} {unit}"
    return f"{value:.0f} B"


def size_unit(largest: float) -> tuple[str, float]:
    """Return the unit for files of up to `largest` bytes, and what to multiply megabytes by."""
    return ("MB", 1.0) if largest >= 1e6 else ("kB", 1e3)


def relative(value: float | None, base: float | None) -> str:
    """Return by how much `value` differs from `base`, such as ``−75 %``."""
    if value is None or not base:
        return NONE
    percent = round(100 * (value / base - 1))
    return f"{percent:+d} %".replace("-", "−") if percent else "0 %"


def count(value: float | None) -> str:
    """Return such as ``842 k`` or ``41.3 M``."""
    if value is None:
        return NONE
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            return f"{significant(value / scale)} {unit}"
    return f"{value:.0f}"


def duration(seconds: float | None) -> str:
    """Return such as ``48 s``, ``3 min 20 s`` or ``1 h 05 min``."""
    if seconds is None:
        return NONE
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60:02d} s" if whole % 60 else "")
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def roughly(seconds: float | None) -> str:
    """Return a time that is only expected, no finer than it is known, such as ``about 8 min``."""
    if seconds is None:
        return NONE
    step = next((step for most, step in ROUNDED if seconds < most), 600)
    return f"about {duration(max(5 if seconds < 30 else step, step * round(seconds / step)))}"


def ago(moment: float | None, now: float | None = None) -> str:
    """Return such as ``5 min ago``."""
    if moment is None:
        return NONE
    past = max(0.0, (time.time() if now is None else now) - moment)
    for name, scale in (("day", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if past >= scale:
            whole = int(past // scale)
            return f"{whole} {name}{'s' if name == 'day' and whole > 1 else ''} ago"
    return "just now"


def apart(names: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return the names, those that occur more than once with what tells them apart in parentheses."""
    often = {name for name in names if names.count(name) > 1}
    return [f"{name} ({told})" if name in often else name for name, told in zip(names, more, strict=True)]


def shape(sizes: tuple[int | str, ...]) -> str:
    """Return such as ``batch × 3 × 224 × 224``."""
    return " × ".join(str(one) for one in sizes) or "scalar"
