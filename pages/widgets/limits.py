"""Constraint sliders (max accuracy drop, latency, size, memory), whose values live in the address."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.domain.run import Limits
from core.views import Quality
from pages.widgets.address import number, on_change, put

LARGEST_DROP, LEAST, MOST = 10.0, 0.001, 1e9
OFF = "off"
DROP: dict[Quality, tuple[str, str]] = {
    "accuracy": (
        "Max accuracy drop (points)",
        "How many percentage points of accuracy you would give up for speed.",
    ),
    "agreement": (
        "Max top-1 disagreement (points)",
        "Without labels: how many of 100 samples may get another top-1 class than from the baseline.",
    ),
    "signal": (
        "Max output error (% of the variance)",
        "Without classes: the error's power in percent of the variance of the baseline's outputs from "
        "input to input; 1 % is an SQNR of 20 dB.",
    ),
}


def _optional(text: str | None, start: float | None) -> float | None:
    return None if text == OFF else number(text, LEAST, MOST) or start


def limits_set(start: Limits, held: Mapping[str, str]) -> Limits:
    """Return `start` with what the address says instead; what cannot be read is passed over.

    Args:
        start: Limits to begin with.
        held: Settings ``drop`` (points), ``latency`` (ms) and ``size`` (MB).
    """
    drop = number(held.get("drop"), 0.0, LARGEST_DROP)
    size_mb = _optional(held.get("size"), start.max_size_bytes and start.max_size_bytes / 1e6)
    return Limits(
        max_drop=start.max_drop if drop is None else drop,
        max_latency_ms=_optional(held.get("latency"), start.max_latency_ms),
        max_size_bytes=None if size_mb is None else round(size_mb * 1e6),
    )


def settings_of(limits: Limits) -> dict[str, str]:
    """Return `limits` as settings of an address."""
    drop, latency, size = limits.max_drop, limits.max_latency_ms, limits.max_size_bytes
    told = {
        "drop": None if drop is None else f"{min(drop, LARGEST_DROP):g}",
        "latency": None if latency is None else f"{latency:g}",
        "size": None if size is None else f"{size / 1e6:g}",
    }
    return {name: text for name, text in told.items() if text is not None}


def set_drop(owner: str, drop: float) -> None:
    """Move the slider of the max accuracy drop, for the next run of the script."""
    st.session_state[f"{owner}_drop"] = drop
    put(owner, "drop", f"{drop:g}")


def _switch(owner: str, label: str, unit: str, now: float | None, guess: float, name: str, help: str) -> None:
    """Draw the toggle of one limit, and its number where it is on."""
    key = f"{owner}_{name}"
    on = on_change(owner, name, f"{key}_on", lambda on: f"{guess:g}" if on else OFF)
    if st.toggle(f"Limit {label}", value=now is not None, **on):
        st.number_input(
            f"Max {label} ({unit})",
            min_value=LEAST,
            max_value=MOST,
            value=now or guess,
            step=0.1,
            format="%.3f",
            help=help,
            **on_change(owner, name, key, lambda value: f"{value:g}"),
        )


def limits_form(
    now: Limits, *, quality: Quality, latency_ms: float = 5.0, size_mb: float = 10.0, owner: str
) -> None:
    """Draw the limits; a change goes into the address, where `limits_set` finds it.

    Args:
        now: As they are.
        quality: By what quality is judged.
        latency_ms: What to suggest when a latency limit is switched on.
        size_mb: What to suggest when a size limit is switched on.
        owner: Of the settings; prefix of the widgets' keys.
    """
    word, help = DROP[quality]
    st.slider(
        word,
        min_value=0.0,
        max_value=LARGEST_DROP,
        value=1.0 if now.max_drop is None else min(now.max_drop, LARGEST_DROP),
        step=0.1,
        format="%.1f",
        help=help,
        **on_change(owner, "drop", f"{owner}_drop", lambda value: f"{value:g}"),
    )
    left, right = st.columns(2)
    with left:
        help = "Median time of one call."
        _switch(owner, "latency", "ms", now.max_latency_ms, latency_ms, "latency", help)
    with right:
        mb = None if now.max_size_bytes is None else now.max_size_bytes / 1e6
        _switch(owner, "file size", "MB", mb, size_mb, "size", "All files of the artifact.")
