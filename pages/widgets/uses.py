"""Limits by use: how much loss and time usually suit a kind of product, as pills over the sliders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Use:
    """A kind of product.

    Attributes:
        least: Limit that the pill sets.
        most: Up to this limit the pill is lit.
        help: What it means.
    """

    least: float
    most: float
    help: str


LOSS = {
    "Safety-critical": Use(0.1, 0.1, "0.1 point: no loss that a user or an auditor would find"),
    "Production": Use(1.0, 2.0, "1 to 2 points: what most services accept for the speed"),
    "Edge": Use(5.0, 5.0, "5 points: where it would not run at all otherwise"),
}
TIME = {
    "Interactive": Use(10.0, 10.0, "under 10 ms: one of several steps while a person waits"),
    "Real time": Use(100.0, 100.0, "under 100 ms: felt as immediate"),
    "Batch": Use(1000.0, 1000.0, "under 1 s: nobody waits for a single answer"),
}


def use_of(uses: Mapping[str, Use], limit: float | None) -> str | None:
    """Return the use whose limit is `limit`, or None."""
    return next((name for name, each in uses.items() if limit and each.least <= limit <= each.most), None)


def use_pills(
    label: str, uses: Mapping[str, Use], now: float | None, pick: Callable[[float | None], None], key: str
) -> None:
    """Draw the uses, lit where the limit is theirs.

    Args:
        label: What they set.
        uses: By name.
        now: The limit as it is.
        pick: Called with the limit of the use that is clicked; with None where the lit one is.
        key: Of the widget.
    """

    def changed() -> None:
        chosen = st.session_state[key]
        pick(uses[chosen].least if chosen else None)

    # Set before each drawing: the limit also moves by its slider, by the price list and by the address.
    st.session_state[key] = use_of(uses, now)
    help = "; ".join(f"**{name}** {each.help}" for name, each in uses.items())
    st.pills(label, list(uses), key=key, on_change=changed, help=f"{help}.")
