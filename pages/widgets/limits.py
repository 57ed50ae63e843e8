"""Constraint sliders (max accuracy drop, latency, size, memory), whose values live in the address."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import floor, log10

import streamlit as st

from core.domain.quality import Scale
from core.domain.run import Limits
from core.views import Quality
from pages.widgets.address import number, on_change, put
from pages.widgets.uses import LOSS, TIME, use_pills

USUAL_DROP, LARGEST_DROP, LEAST, MOST = 1.0, 10.0, 0.001, 1e9
OFF = "off"
SHARE = Scale()
DROP: dict[Quality, tuple[str, str, str]] = {
    "accuracy": (
        "Max accuracy drop (points)",
        "accuracy drop",
        "How many percentage points of accuracy you would give up for speed.",
    ),
    "agreement": (
        "Max top-1 disagreement (points)",
        "top-1 disagreement",
        "Without labels: how many of 100 samples may get another top-1 class than from the baseline; of a "
        "detector, how many of 100 detections may be found by one of the two only.",
    ),
    "signal": (
        "Max output error (% of the variance)",
        "output error",
        "Without classes: the error's power in percent of the variance of the baseline's outputs from "
        "input to input; 1 % is an SQNR of 20 dB.",
    ),
}


def _optional(text: str | None, start: float | None, least: float = LEAST) -> float | None:
    found = number(text, least, MOST)
    return None if text == OFF else start if found is None else found


def _megabytes(size: int | None) -> float | None:
    return None if size is None else size / 1e6


def half(value: float) -> float:
    """Return half of a figure in two digits, to suggest as a limit; never less than a limit can be."""
    return max(LEAST, float(f"{value / 2:.2g}"))


def limits_set(start: Limits, held: Mapping[str, str]) -> Limits:
    """Return `start` with what the address says instead; what cannot be read is passed over.

    Args:
        start: Limits to begin with.
        held: Settings ``drop`` (points), ``latency`` (ms), ``size`` and ``memory`` (MB), ``rate``
            (samples per second); ``off`` is no limit.
    """
    size_mb = _optional(held.get("size"), _megabytes(start.max_size_bytes))
    memory_mb = _optional(held.get("memory"), _megabytes(start.max_memory_bytes))
    return Limits(
        max_drop=_optional(held.get("drop"), start.max_drop, 0.0),
        max_latency_ms=_optional(held.get("latency"), start.max_latency_ms),
        max_size_bytes=None if size_mb is None else round(size_mb * 1e6),
        max_memory_bytes=None if memory_mb is None else round(memory_mb * 1e6),
        min_throughput=_optional(held.get("rate"), start.min_throughput),
    )


def settings_of(limits: Limits) -> dict[str, str]:
    """Return `limits` as settings of an address."""
    usual = {
        "drop": limits.max_drop,
        "latency": limits.max_latency_ms,
        "size": _megabytes(limits.max_size_bytes),
        "memory": _megabytes(limits.max_memory_bytes),
        "rate": limits.min_throughput,
    }
    return {name: _text(value) for name, value in usual.items() if value is not None or name == "drop"}


def _text(value: float | None) -> str:
    return OFF if value is None else f"{value:g}"


def set_limit(owner: str, name: str, limit: float | None) -> None:
    """Set one limit, or take it back, for the next run of the script.

    Args:
        owner: Of the settings.
        name: As in `limits_set`, which says the unit.
        limit: None for no limit.
    """
    st.session_state[f"{owner}_{name}_on"] = limit is not None
    if limit is not None:
        st.session_state[f"{owner}_{name}"] = limit
    put(owner, name, _text(limit))


def _toggle(owner: str, name: str, label: str, now: float | None, guess: float) -> bool:
    """Draw the toggle of one limit; return whether it is on."""
    on = on_change(owner, name, f"{owner}_{name}_on", lambda on: _text(guess if on else None))
    return st.toggle(f"Limit {label}", value=now is not None, **on)


def _switch(
    owner: str,
    label: str,
    unit: str,
    now: float | None,
    guess: float,
    name: str,
    help: str,
    most: bool = True,
) -> None:
    """Draw the toggle of one limit, and its number where it is on."""
    if _toggle(owner, name, label, now, guess):
        st.number_input(
            f"{'Max' if most else 'Min'} {label} ({unit})",
            min_value=LEAST,
            max_value=MOST,
            value=now or guess,
            step=max(LEAST, 10.0 ** (floor(log10(now or guess)) - 1)),
            format="%.3f",
            help=help,
            **on_change(owner, name, f"{owner}_{name}", _text),
        )


def _drop_words(quality: Quality, scale: Scale) -> tuple[str, str, str]:
    if quality != "accuracy" or scale == Scale():
        return DROP[quality]
    unit, worse = f" ({scale.step})" if scale.step else "", "drop" if scale.higher else "increase"
    help = f"By how much {scale.name} may be worse than the baseline's, in its own unit."
    return f"Max {scale.name} {worse}{unit}", f"{scale.name} {worse}", help


def _drop(owner: str, now: float | None, quality: Quality, scale: Scale, usual: float) -> None:
    """Draw the limit on what a candidate may lose, or that there is none."""
    label, limited, help = _drop_words(quality, scale)
    if not _toggle(owner, "drop", limited, now, usual):
        st.caption("No limit: the fastest candidate is recommended, whatever it loses.")
        return
    if quality == "accuracy" and scale.unit != "%":
        about = on_change(owner, "drop", f"{owner}_drop", _text)
        value = usual if now is None else now
        st.number_input(label, 0.0, MOST, value, step=usual, format="%.4g", help=help, **about)
        return
    st.slider(
        label,
        min_value=0.0,
        max_value=max(LARGEST_DROP, now or 0.0),
        value=USUAL_DROP if now is None else now,
        step=0.1,
        format="%.1f",
        help=help,
        **on_change(owner, "drop", f"{owner}_drop", _text),
    )


def limits_form(
    now: Limits,
    *,
    quality: Quality,
    latency_ms: float = 5.0,
    size_mb: float = 10.0,
    owner: str,
    scale: Scale = SHARE,
    usual: float = USUAL_DROP,
) -> None:
    """Draw the limits; a change goes into the address, where `limits_set` finds it.

    Args:
        now: As they are.
        quality: By what quality is judged.
        latency_ms: What to suggest when a latency limit is switched on.
        size_mb: What to suggest when a size limit is switched on.
        owner: Of the settings; prefix of the widgets' keys.
        scale: How accuracy is read.
        usual: What to suggest when the limit on the drop is switched on.
    """
    if quality != "accuracy" or scale.unit == "%":
        set_drop = partial(set_limit, owner, "drop")
        use_pills("Loss by use", LOSS, now.max_drop, set_drop, f"{owner}_use_drop")
    set_latency = partial(set_limit, owner, "latency")
    use_pills("Latency by use", TIME, now.max_latency_ms, set_latency, f"{owner}_use_latency")
    _drop(owner, now.max_drop, quality, scale, usual)
    left, right = st.columns(2)
    with left:
        help = "Median time of one call."
        _switch(owner, "latency", "ms", now.max_latency_ms, latency_ms, "latency", help)
    with right:
        size = _megabytes(now.max_size_bytes)
        _switch(owner, "file size", "MB", size, size_mb, "size", "All files of the artifact.")
    used, rate = _megabytes(now.max_memory_bytes), now.min_throughput
    with st.expander("More limits", expanded=used is not None or rate is not None):
        help = "Samples per second, at whichever measured batch size gives the most."
        usual_rate = round(1000 / latency_ms, 1)
        _switch(owner, "throughput", "samples/s", rate, usual_rate, "rate", help, most=False)
        help = "At the peak, above the empty runtime."
        _switch(owner, "memory", "MB", used, 10 * size_mb, "memory", help)
