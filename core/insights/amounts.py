"""Amounts in words: times, and differences of a metric in points of a share or in its own unit."""

from __future__ import annotations

from math import floor, log10

from core.domain.measurement import Interval
from core.domain.quality import Accuracy, Scale


def plural(count: float, noun: str) -> str:
    """Return ``1 point``, ``0.5 points``, ``2 runs``."""
    number = str(count) if isinstance(count, int) else f"{count:g}"
    return f"{number} {noun}" if count == 1 else f"{number} {noun}s"


def significant(value: float, digits: int = 3) -> str:
    """Return `value` with about `digits` significant digits, without an exponent."""
    if value == 0:
        return "0"
    places = max(0, digits - 1 - floor(log10(abs(value))))
    return f"{value:,.{min(places, 6)}f}"


def time_unit(ms: float) -> tuple[str, float]:
    """Return the unit in which `ms` milliseconds are read best, and what to multiply them by."""
    if 0 < ms < 0.1:
        return "µs", 1000.0
    return ("s", 0.001) if ms >= 1000 else ("ms", 1.0)


def time_words(ms: float) -> str:
    """Return a time such as ``38.0 µs``, ``1.23 ms`` or ``2.50 s``."""
    unit, scale = time_unit(ms)
    return f"{significant(ms * scale)} {unit}"


def limit_words(drop: float, scale: Scale) -> str:
    """Return a limit on the drop, such as ``1 point`` or ``0.5 dB on PSNR``."""
    if scale.unit == "%":
        return plural(drop, "point")
    return f"{_with_unit(f'{drop:g}', scale)} on {scale.name}"


def excess_words(drop: Interval, limit: float, scale: Scale) -> str:
    """Return by how much a drop breaks its limit."""
    if scale.unit == "%":
        return f"{drop.value - limit:.2f} points over the limit of {limit:g}"
    worse = _with_unit(f"{drop.value:.3g}", scale)
    return f"{scale.name} is worse by {worse}, over the limit of {_with_unit(f'{limit:g}', scale)}"


def change_words(accuracy: Accuracy) -> str:
    """Return the change of the value, such as ``at −0.2 points (−0.5…+0.1) of accuracy``."""
    ends, scale = range_words(accuracy), accuracy.scale
    value = signed(accuracy.change.value, places(accuracy))
    if scale.unit == "%":
        return f"at {value} points ({ends}) of {scale.name}"
    return f"with {scale.name} changed by {_with_unit(value, scale)} ({ends})"


def range_words(accuracy: Accuracy, between: str = "…") -> str:
    """Return the ends of the change's interval."""
    change = accuracy.change
    digits = places(accuracy)
    return f"{signed(change.low, digits)}{between}{signed(change.high, digits)}"


def places(accuracy: Accuracy) -> int:
    """Return the decimals of a change: one for points, else two digits of its interval's width.

    Never more than four digits of the value itself.
    """
    change, value = accuracy.change, accuracy.value
    width = change.high - change.low or abs(change.value)
    if accuracy.scale.unit == "%" or not width:
        return 1
    most = 3 - floor(log10(abs(value))) if value else 6
    return min(6, max(0, min(most, 1 - floor(log10(width)))))


def signed(value: float, digits: int = 1) -> str:
    """Return `value` with a sign, zero without one."""
    text = f"{value:+,.{digits}f}"
    return text[1:] if not any(digit in "123456789" for digit in text) else text.replace("-", "−")


def _with_unit(number: str, scale: Scale) -> str:
    return f"{number} {scale.step}".strip()
