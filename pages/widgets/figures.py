"""The figures of a candidate, each with how sure it is."""

from __future__ import annotations

import streamlit as st

from core.domain.measurement import Latency
from core.views import Quality, Row
from pages.widgets import format as fmt

SAME_PACE = 0.005


def pace_words(pace: float) -> str:
    """Say by what factor the clock's times were corrected, and why."""
    if abs(pace - 1) < SAME_PACE:
        return "as the clock said: the machine was as fast as at the start of the run"
    slower = f"{abs(1 / pace - 1):.0%}".replace("%", " %")
    word = "slower" if pace < 1 else "faster"
    return f"the clock's times × {pace:.2f}: the machine was {slower} {word} than at the start of the run"


def card(label: str, value: str, below: str) -> None:
    """Draw one figure with its interval below."""
    st.metric(label, value, below, border=True, height="stretch", delta_color="off", delta_arrow="off")


def figures(row: Row, *, quality: Quality) -> None:
    """Draw the figures of a candidate with their intervals; nothing before it is measured."""
    result = row.candidate.result
    if result is None or row.latency_ms is None:
        return
    time = row.latency_ms
    unit, scale = fmt.time_unit(time.value)
    with st.grid(4, min_column_width=190):
        card(
            "Latency, median",
            fmt.ms(time.value),
            f"{fmt.significant(time.low * scale)}–{fmt.significant(time.high * scale)} {unit}",
        )
        _speedup(row)
        _quality(row, quality)
        card("File", fmt.size(row.size_bytes), f"memory {fmt.size(row.memory_bytes)}")
    with st.expander("All figures, and how sure they are", icon=":material/rule:", expanded=True):
        st.table(_sureness(row), border="horizontal", alt="Every figure with its confidence")
    if result.timing.unstable:
        st.warning(
            "This point is unstable: at the time limit its interval was still wider than ±3 %. Close other "
            "programs and run again.",
            icon=":material/warning:",
        )


def _speedup(row: Row) -> None:
    if row.speedup is None or row.candidate.position == 0:
        card("Speed-up", "1x", "the measure of all")
    else:
        low, high = fmt.significant(row.speedup.low), fmt.significant(row.speedup.high)
        card("Speed-up", f"{fmt.significant(row.speedup.value)}x", f"{low}–{high}x")


def _quality(row: Row, quality: Quality) -> None:
    top1 = row.agreement
    if quality == "accuracy":
        own = row.candidate.position == 0
        card("Accuracy", fmt.percent(row.accuracy), "of your model" if own else fmt.change(row.drop))
    elif top1 is None:
        card("Signal to noise", fmt.decibel(row.sqnr_db), "against your model's outputs")
    else:
        card("Fidelity", fmt.percent(top1.value), f"{top1.low:.1f}–{top1.high:.1f} same answer")


def _sureness(row: Row) -> dict[str, str]:
    result = row.candidate.result
    if result is None:
        return {}
    timing, latency, fidelity = result.timing, result.timing.latency, result.fidelity
    measured = f"{fmt.milliseconds(row.latency_ms)}, median of {latency.runs:,} calls"
    table = {"Latency": f"{measured}, mean {fmt.ms(latency.mean)}", "Slow calls": _slow_calls(latency)}
    if row.candidate.position:
        table["Speed-up"] = f"{fmt.times(row.speedup)}, {timing.rounds} rounds in turns with your model"
        table["Pace"] = pace_words(timing.pace)
    if result.accuracy is not None:
        quality = result.accuracy
        table["Accuracy"] = f"{fmt.percent(quality.value)} of {quality.samples:,} samples"
        if row.candidate.position:
            flips = f"{quality.flips} samples changed, McNemar p = {quality.mcnemar_p:.2g}"
            table["Change"] = f"{fmt.change(quality.drop)}; {flips}"
    if row.agreement is not None:
        table["Same answer as your model"] = f"{fmt.agreement(row.agreement)} of {fidelity.samples:,} samples"
    if row.candidate.position:
        worst = f"largest difference of one output {_small(fidelity.max_abs_error)}"
        table["Signal to noise (SQNR)"] = f"{fmt.decibel(row.sqnr_db)}, {worst}"
    table["Memory"] = f"{fmt.size(row.memory_bytes)} at the peak, above the empty runtime"
    table["Load"] = f"{fmt.ms(timing.load_ms)} the first time, {fmt.ms(timing.warm_load_ms)} again"
    table["Ties in speed"] = ", ".join(row.tied_with) or "none"
    return table


def _small(value: float) -> str:
    return "under 0.0001" if 0 < value < 1e-4 else fmt.significant(value)


def _slow_calls(latency: Latency) -> str:
    tails = (("90", latency.p90), ("95", latency.p95), ("99", latency.p99))
    told = [f"{name} % below {fmt.ms(value)}" for name, value in tails if value is not None]
    untold = [f"{name} %" for name, value in tails if value is None]
    few = [f"too few calls to state {', '.join(untold)}"] if untold else []
    return "; ".join([", ".join(told), *few] if told else few)
