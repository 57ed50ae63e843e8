"""The limits a recommendation must respect: sliders whose values live in the address."""

from __future__ import annotations

import streamlit as st

from core.domain.run import Limits
from core.views import Quality

DROP: dict[Quality, tuple[str, str]] = {
    "accuracy": (
        "Largest accuracy drop (points)",
        "How many percentage points of accuracy you would give up for speed.",
    ),
    "agreement": (
        "Largest change of answers (points)",
        "Without labels: how many of 100 samples may get another answer than from your model.",
    ),
    "signal": (
        "Largest error (% of the signal)",
        "Without classes: the power of the error in percent of the power of your model's outputs; 1 % is a "
        "signal-to-noise ratio of 20 dB.",
    ),
}


def _optional(
    label: str, unit: str, default: float | None, guess: float, step: float, key: str, help: str
) -> float | None:
    on = st.toggle(f"Limit {label}", value=default is not None, key=f"{key}_on")
    if not on:
        return None
    return float(
        st.number_input(
            f"Largest {label} ({unit})",
            min_value=0.001,
            value=float(default if default is not None else guess),
            step=step,
            format="%.3f",
            key=key,
            help=help,
        )
    )


def limits_form(
    start: Limits, *, quality: Quality, latency_ms: float = 5.0, size_mb: float = 10.0, key: str
) -> Limits:
    """Draw the limits and return what they say.

    Args:
        start: Values to begin with.
        quality: By what quality is judged.
        latency_ms: What to suggest when a latency limit is switched on.
        size_mb: What to suggest when a size limit is switched on.
        key: Prefix of the widgets' keys.
    """
    word, help = DROP[quality]
    drop = st.slider(
        word,
        min_value=0.0,
        max_value=10.0,
        value=float(start.max_drop if start.max_drop is not None else 1.0),
        step=0.1,
        format="%.1f",
        key=f"{key}_drop",
        help=help,
    )
    left, right = st.columns(2)
    with left:
        latency = _optional(
            "latency",
            "ms",
            start.max_latency_ms,
            latency_ms,
            0.1,
            f"{key}_latency",
            "Median time of one call.",
        )
    with right:
        start_mb = None if start.max_size_bytes is None else start.max_size_bytes / 1e6
        mb = _optional("file size", "MB", start_mb, size_mb, 0.1, f"{key}_size", "All files of the artifact.")
    return Limits(drop, latency, None if mb is None else int(mb * 1e6))
