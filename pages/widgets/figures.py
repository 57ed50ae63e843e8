"""Metrics of a candidate with confidence intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import streamlit as st

from core.domain.measurement import Interval, Latency
from core.domain.quality import Fidelity
from core.domain.run import Result
from core.views import Quality, Row, agreement_name, ties
from pages import format as fmt
from pages.widgets.measures import output_error, quality_of

SAME_SPEED = 0.005

Line = tuple[str, str, str]


def drift_words(pace: float) -> str:
    """Say by what factor the clock's times were corrected, and why."""
    if abs(pace - 1) < SAME_SPEED:
        return "as the clock said: the machine was as fast as at the start of the run"
    slower = f"{abs(1 / pace - 1):.0%}".replace("%", " %")
    word = "slower" if pace < 1 else "faster"
    return f"the clock's times × {pace:.2f}: the machine was {slower} {word} than at the start of the run"


def card(label: str, value: str, below: str) -> None:
    """Draw one figure with its interval below."""
    st.metric(label, value, below, border=True, height="stretch", delta_color="off", delta_arrow="off")


def figures(row: Row, everyone: Sequence[Row], *, quality: Quality) -> None:
    """Draw the figures of a candidate of a run, beside the baseline's; nothing before it is measured."""
    baseline = everyone[0]
    result, first = row.candidate.result, baseline.candidate.result
    if result is None or first is None or row.latency_ms is None:
        return
    own = row.candidate.position == 0
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
        memory = fmt.size(row.memory_bytes)
        card("File", fmt.size(row.size_bytes), f"memory {memory}{_by(result, first, own)}")


def metrics(row: Row, everyone: Sequence[Row]) -> None:
    """Draw every metric with its interval, beside the baseline's; nothing before it is measured."""
    baseline = everyone[0]
    result, first = row.candidate.result, baseline.candidate.result
    if result is None or first is None:
        return
    with st.expander("All metrics with their intervals", icon=":material/rule:", expanded=True):
        lines = [*_speed(row, result), *_ties(row, everyone), *_sameness(row, result), *_cost(result)]
        known = (*_speed(baseline, first), *_sameness(baseline, first), *_cost(first))
        theirs = {"Speed-up": "1x"} | {name: value for name, value, _ in known}
        _table(lines, theirs, own=row.candidate.position == 0)


def sameness(row: Row, baseline: Row) -> None:
    """Draw what is known of accuracy and fidelity, beside the baseline's."""
    result, first = row.candidate.result, baseline.candidate.result
    if result is None or first is None:
        return
    theirs = {name: value for name, value, _ in _sameness(baseline, first)}
    _table(list(_sameness(row, result)), theirs, own=row.candidate.position == 0)


def _table(lines: Sequence[Line], theirs: Mapping[str, str], *, own: bool) -> None:
    table = {
        "Metric": [name for name, _, _ in lines],
        "This candidate": [value for _, value, _ in lines],
        "Baseline": [theirs.get(name, fmt.NONE) for name, _, _ in lines],
        "Measurement": [sure for _, _, sure in lines],
    }
    if own:
        table.pop("Baseline")
    st.table(table, border="horizontal", hide_index=True, alt="Every metric with its confidence interval")


def _by(result: Result, first: Result, own: bool) -> str:
    """Return by how much the memory differs from the baseline's, in words."""
    before = first.timing.memory_bytes
    if own or not before:
        return ""
    return f" ({fmt.relative(result.timing.memory_bytes, before)})"


def _speedup(row: Row) -> None:
    if row.speedup is None or row.candidate.position == 0:
        card("Speed-up", "1x", "the baseline")
    else:
        low, high = fmt.significant(row.speedup.low), fmt.significant(row.speedup.high)
        card("Speed-up", f"{fmt.significant(row.speedup.value)}x", f"{low}–{high}x")


def _quality(row: Row, quality: Quality) -> None:
    top1, own = row.agreement, quality_of(row, "accuracy")
    if quality == "accuracy" and own is not None:
        scale, result = row.scale, row.candidate.result
        spread = fmt.score_interval(own, scale) if own.high > own.low else "of your model"
        change = fmt.score_change(result.accuracy if result else None)
        card(scale.label, fmt.score(own.value, scale), change if row.candidate.position else spread)
    elif row.candidate.position == 0:
        card("Fidelity", "100 %", "the baseline")
    elif top1 is None:
        lost = output_error(row)
        value = fmt.NONE if lost is None else f"{fmt.loss(lost.value)} %"
        card("Output error", value, f"of the variance; SQNR {fmt.decibel(row.sqnr_db)}")
    else:
        name = agreement_name([row])
        told = name[:1].lower() + name[1:]
        card("Fidelity", fmt.percent(top1.value), f"{top1.low:.1f}–{top1.high:.1f} {told}")


def _speed(row: Row, result: Result) -> Iterator[Line]:
    """Yield each figure of speed: its name, its value, and what it rests on."""
    timing, latency = result.timing, result.timing.latency
    yield "Latency", fmt.milliseconds(row.latency_ms), f"median of {latency.runs:,} calls"
    yield "Mean of all calls", fmt.ms(latency.mean), ""
    yield "Percentiles", *_slow_calls(latency)
    if row.candidate.position:
        starts = fmt.plural(timing.starts, "process start")
        again = ", and again at the end of the run" if timing.moments > 1 else ""
        rounds = f"{timing.rounds} interleaved rounds with the baseline, {starts}{again}"
        yield "Speed-up", fmt.times(row.speedup), rounds
        yield "Drift correction", f"x {timing.pace:.2f}", drift_words(timing.pace)
    if timing.disturbed is not None:
        told = "of the calls were interrupted by another program"
        yield "Disturbed", f"{timing.disturbed:.1%}".replace("%", " %"), told


def _ties(row: Row, everyone: Sequence[Row]) -> Iterator[Line]:
    if row.candidate.position:
        told = ", ".join(ties(row, everyone)) or "none"
        yield "Ties in speed", told, "the measurement cannot tell their speed from this one"


def _sameness(row: Row, result: Result) -> Iterator[Line]:
    """Yield what is known of accuracy and fidelity."""
    quality, fidelity, own = result.accuracy, result.fidelity, row.candidate.position == 0
    if quality is not None:
        found = quality.interval or Interval(quality.value, quality.value, quality.value)
        yield row.scale.label, fmt.score_interval(found, row.scale), f"{quality.samples:,} samples"
        if not own:
            told = "paired bootstrap over samples"
            if quality.flips is not None and quality.mcnemar_p is not None:
                told = f"{fmt.plural(quality.flips, 'sample')} changed, McNemar p = {quality.mcnemar_p:.2g}"
            yield "Change", fmt.score_change(quality), told
    elif result.undefined:
        yield "Metric", fmt.NONE, result.undefined
    if (run := result.evaluation) is not None:
        side = f", on {run.copies} copies of the model side by side" if run.copies > 1 else ""
        part = f" of {run.planned:,}" if run.rows < run.planned else ""
        how = f"{run.rows:,}{part} samples in calls of {run.batch}{side}."
        told = " ".join(filter(None, (how, run.note, run.stopped)))
        yield "Evaluation", fmt.duration(run.seconds), told
    if own:
        return
    if row.agreement is not None:
        yield fidelity.agreement_name, fmt.agreement(row.agreement), _compared(fidelity)
    if (lost := output_error(row)) is not None:
        yield "Output error", fmt.error(lost), "of the worst output's variance; the limit is for this"
    worst = f"worst output; largest difference of one value {_small(fidelity.max_abs_error)}"
    if fidelity.detections is not None:
        worst = f"mean of the pairs; their scores differ by up to {_small(fidelity.max_abs_error)}"
    yield *fmt.closeness(fidelity), worst


def _compared(fidelity: Fidelity) -> str:
    found, samples = fidelity.detections, f"{fidelity.samples:,} samples"
    if found is None:
        return samples
    return f"{found.compared:,} detections that score {found.confidence:.2g} or more, in {samples}"


def _cost(result: Result) -> Iterator[Line]:
    """Yield what it takes to run."""
    timing = result.timing
    yield "File", fmt.size(result.size_bytes), ""
    least = timing.memory_range
    spread = f", {fmt.size(least[0])}–{fmt.size(least[1])} over the starts" if least else ", measured once"
    yield "Memory", fmt.size(timing.memory_bytes), f"peak above the empty runtime{spread}"
    load = timing.load_range_ms
    spread = f"{fmt.ms(load[0])}–{fmt.ms(load[1])} over the starts" if load else "measured once"
    yield "Cold start", fmt.ms(timing.load_ms), spread
    yield "Warm start", fmt.ms(timing.warm_load_ms), "second load in the same process, measured once"


def doubts(row: Row) -> None:
    """Say why the figures of quality may say little."""
    result = row.candidate.result
    if result is not None and result.fidelity.collapsed:
        st.warning(fmt.plain(result.fidelity.collapsed), icon=":material/warning:")


def outputs(row: Row) -> None:
    """Draw the fidelity of every output by itself where there are several; the worst decides."""
    result = row.candidate.result
    if result is None or len(result.fidelity.outputs) < 2:
        return
    fidelity = result.fidelity
    with st.expander("Fidelity by output; the worst decides", icon=":material/output:", expanded=True):
        st.dataframe(
            {
                "Output": [each.name for each in fidelity.outputs],
                "SQNR": [
                    fmt.NONE if each.detections else fmt.decibel(each.sqnr_db) for each in fidelity.outputs
                ],
                "Largest difference": [_small(each.max_abs_error) for each in fidelity.outputs],
                "By the largest value": [_share(each.max_rel_error) for each in fidelity.outputs],
                "Cosine": [
                    fmt.NONE if each.cosine is None else f"{each.cosine:.5f}" for each in fidelity.outputs
                ],
                fidelity.agreement_name: [fmt.agreement(each.top1_agreement) for each in fidelity.outputs],
            },
            hide_index=True,
            alt="Fidelity of every output",
        )


def _small(value: float) -> str:
    return "under 0.0001" if 0 < value < 1e-4 else fmt.significant(value)


def _share(value: float | None) -> str:
    return fmt.NONE if value is None else f"{value:.2%}"


def _slow_calls(latency: Latency) -> tuple[str, str]:
    """Return the percentiles that are known, and which are not."""
    tails = (("90", latency.p90), ("95", latency.p95), ("99", latency.p99))
    told = [f"p{name} {fmt.ms(value)}" for name, value in tails if value is not None]
    untold = [f"p{name}" for name, value in tails if value is None]
    return ", ".join(told) or fmt.NONE, f"too few calls to state {', '.join(untold)}" if untold else ""
