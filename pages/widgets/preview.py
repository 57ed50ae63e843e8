"""Preview of a data set: the first samples, the balance of its labels, and how it was prepared."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import views
from core.domain.model import DataSet
from core.views import Balance, Sample
from pages import format as fmt
from pages.widgets.page import store

MOST_BARS = 60
"""Classes with a bar each; of more only the spread is said."""


def preview(data: DataSet) -> None:
    """Draw the first samples as the model will see them, the labels, and the preparation."""
    samples = views.first_samples(store(), data)
    if samples and samples[0].picture:
        _pictures(samples)
    elif samples:
        rows = [", ".join(map(_value, sample.values[:8])) for sample in samples[:4]]
        labels = [sample.label for sample in samples[:4]]
        told = {"Target" if data.numbers else "Class": labels} if any(labels) else {}
        st.dataframe(told | {"First values": rows}, hide_index=True, alt="The first samples")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**How it was prepared**")
        st.table(
            {fmt.plain(key): fmt.plain(value) for key, value in data.preparation.items()},
            border="horizontal",
            alt="How the data was prepared",
        )
    found = views.class_balance(store(), data)
    if found is not None:
        with right:
            _balance(found)


def _balance(found: Balance) -> None:
    st.markdown("**Distribution of the targets**" if found.numbers else "**Class balance**")
    if len(found.counts) <= MOST_BARS:
        axis, counted = ("Target", "Samples") if found.numbers else ("Class", "Labels")
        table = pd.DataFrame({axis: found.names, counted: found.counts})
        alt = "Labels by range of the target" if found.numbers else "Labels by class"
        st.bar_chart(table, x=axis, y=counted, height=260, sort=False, alt=alt)
    if not found.numbers:
        st.caption(_spread(found))


def _spread(found: Balance) -> str:
    """Return how even the classes are, in a sentence."""
    low, high = min(found.counts), max(found.counts)
    missing = sum(count == 0 for count in found.counts)
    text = f"{len(found.counts):,} classes with {low:,} to {high:,} labels each."
    if missing:
        text += f" {missing:,} of them have none: nothing is learned about these."
    elif high > 5 * low:
        text += " The classes are uneven: look at macro-F1 beside accuracy."
    return text


def _pictures(samples: Sequence[Sample]) -> None:
    with st.grid(8, min_column_width=40, wrap=False):
        for sample in samples:
            alt = f"A sample with the label {sample.label}" if sample.label else "A sample"
            st.image(sample.picture, caption=fmt.plain(sample.label) or None, width="stretch", alt=alt)


def _value(value: float | None) -> str:
    """Return a number of a row; a whole one, such as a token's, without decimals."""
    return f"{value:.0f}" if value is not None and value.is_integer() else fmt.number(value)
