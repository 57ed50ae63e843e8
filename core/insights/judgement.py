"""Constraint check: whether a candidate meets the limits, and with which confidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from core.domain.measurement import Interval
from core.domain.quality import Accuracy, Fidelity, OutputFidelity, Scale
from core.domain.run import Limits, Result
from core.insights.amounts import excess_words, limit_words
from core.insights.objectives import memory, throughput
from core.metrics.proportions import samples_to_settle

MORE_SAMPLES_CAP = 10_000_000
LEAST_DROP = 0.1
OTHERS = 1.0
"""Percent that other outputs may lose where the limit is in a metric's own unit."""
ROUNDING = 1e-4
"""Noise in percent of what the output varies, 60 dB: what another order of additions leaves."""


@dataclass(frozen=True)
class Verdict:
    """Result of the constraint check of one candidate.

    Attributes:
        meets: Its point respects every limit.
        sure: Its whole interval does, for every limit.
        violations: Each limit that is broken and by how much, for people.
        excess: Sum of the relative excesses over the broken limits.
        unsure: Each limit that the point respects and the whole interval does not, for people.
        undecided: The interval of every figure that breaks a limit reaches back within it.
        unseen: It is unsure only for want of inputs of real use.
    """

    meets: bool
    sure: bool
    violations: tuple[str, ...]
    excess: float
    unsure: tuple[str, ...] = ()
    undecided: bool = True
    unseen: bool = False


def loss(result: Result) -> Interval | None:
    """Return the accuracy drop in points or, without labels, the top-1 disagreement in points."""
    if result.accuracy is not None:
        return result.accuracy.drop
    agreement = result.fidelity.top1_agreement
    if agreement is None:
        return None
    return agreement.rest_of(100)


def judge(result: Result, limits: Limits) -> Verdict:
    """Return how `result` stands to `limits`.

    Every output counts by itself. In one without classes the limit on the drop holds for the noise: 1 point
    is 1 % of what the output varies from input to input, 20 dB.
    """
    standings = list(_standings(result, limits))
    broken = [each for each in standings if each.figure.value > each.limit]
    unsure = tuple(each.name for each in standings if each.figure.value <= each.limit < each.figure.high)
    return Verdict(
        meets=not broken,
        sure=not broken and not unsure,
        violations=tuple(each.over for each in broken),
        excess=sum((each.excess for each in broken), 0.0),
        unsure=unsure,
        undecided=all(each.figure.low <= each.limit for each in broken),
        unseen=bool(unsure) and all(each.limit >= (each.seen or each.figure).high for each in standings),
    )


@dataclass(frozen=True)
class _Standing:
    """One figure beside its limit; `least` keeps the relative excess finite where the limit is 0.

    `seen` is the figure on the inputs there were, where real ones may give another.
    """

    figure: Interval
    limit: float
    name: str
    over: str
    least: float = 1e-9
    seen: Interval | None = None

    @property
    def excess(self) -> float:
        return (self.figure.value - self.limit) / max(self.limit, self.least)


def _standings(result: Result, limits: Limits) -> Iterator[_Standing]:
    if limits.max_drop is not None:
        yield from _quality(result, limits.max_drop)
    if limits.max_latency_ms is not None:
        latency, limit = result.timing.latency, limits.max_latency_ms
        over = f"{latency.p50 - limit:.2f} ms over the limit of {limit:g} ms"
        figure = Interval(latency.p50, latency.ci_low, latency.ci_high)
        yield _Standing(figure, limit, f"the limit of {limit:g} ms", over)
    if limits.max_size_bytes is not None:
        size, most = float(result.size_bytes), limits.max_size_bytes
        over = f"{(size - most) / 1e6:.2f} MB over the limit of {most / 1e6:g} MB"
        yield _Standing(Interval(size, size, size), most, f"the limit of {most / 1e6:g} MB", over)
    if limits.max_memory_bytes is not None:
        used, most = memory(result.timing), limits.max_memory_bytes
        over = f"{(used.value - most) / 1e6:.1f} MB over the limit of {most / 1e6:g} MB of memory"
        yield _Standing(used, most, f"the limit of {most / 1e6:g} MB of memory", over)
    if limits.min_throughput is not None:
        rate, least = throughput(result.timing), limits.min_throughput
        over = f"{least - rate.value:.3g} samples/s short of the limit of {least:g} samples/s"
        # Seconds for a sample, as less is better in all other figures.
        each = Interval(*(1 / max(end, 1e-9) for end in (rate.value, rate.high, rate.low)))
        yield _Standing(each, 1 / least, f"the limit of {least:g} samples/s", over)


def _quality(result: Result, drop: float) -> Iterator[_Standing]:
    found = list(_losses(result, drop))
    yield from found
    within = all(each.figure.value <= drop for each in found)
    if result.fidelity.blind and within and not same(result.fidelity):
        over = "it was calibrated on random inputs, which tells nothing of real ones: give some as data"
        yield _Standing(Interval(100.0, 100.0, 100.0), drop, "", over, LEAST_DROP)


def _losses(result: Result, drop: float) -> Iterator[_Standing]:
    lost, fidelity = loss(result), result.fidelity
    if lost is not None:
        scale = result.accuracy.scale if result.accuracy is not None else Scale()
        figure, over = _doubted(lost, fidelity, result.accuracy is not None), excess_words(lost, drop, scale)
        least = LEAST_DROP if scale.unit == "%" else LEAST_DROP * abs(lost.value)
        yield _Standing(figure, drop, f"the limit of {limit_words(drop, scale)}", over, least, lost)
    worst = max(_others(result), key=lambda output: output.loss.value, default=None)
    if worst is not None:
        share = result.accuracy is None or result.accuracy.scale.unit == "%"
        yield _output(worst, fidelity, drop if share else OTHERS)


def _others(result: Result) -> list[OutputFidelity]:
    """Return the outputs that are judged by themselves: labels say more than agreement does."""
    fidelity, accuracy = result.fidelity, result.accuracy
    if accuracy is None:
        told = fidelity.top1_agreement
        return [each for each in fidelity.each if each.top1_agreement is None or each.top1_agreement != told]
    return [each for each in fidelity.outputs if each.top1_agreement is None and each.name != accuracy.output]


def same(fidelity: Fidelity) -> bool:
    """Return whether all outputs are the baseline's but for rounding, which holds for other inputs, too."""
    return bool(fidelity.outputs) and all(map(_rounded, fidelity.outputs))


def _rounded(output: OutputFidelity) -> bool:
    if output.detections is not None:
        return output.detections.same
    return output.sqnr_db is None or (output.noise is not None and output.noise.high <= ROUNDING)


def _doubted(figure: Interval, fidelity: Fidelity, seen: bool = False) -> Interval:
    """Return what a loss may be on real inputs: any, where none of meaning were `seen`."""
    if same(fidelity):
        return Interval(figure.value, figure.value, figure.value)
    if seen or not (fidelity.collapsed or fidelity.random):
        return figure
    return Interval(figure.value, figure.low, max(100.0, figure.high))


def _output(output: OutputFidelity, fidelity: Fidelity, drop: float) -> _Standing:
    figure, name = _doubted(output.loss, fidelity), f" in the output {output.name}"
    where = name if len(fidelity.outputs) > 1 else ""
    over = f"the error{where} is {noise(output)}, over the limit of {drop:g} %"
    if output.top1_agreement is not None:
        over = f"{figure.value:.2g} % of the answers{where} differ, over the limit of {drop:g} %"
    return _Standing(figure, drop, f"the limit of {drop:g} %", over, LEAST_DROP, output.loss)


def noise(output: OutputFidelity) -> str:
    """Return the power of an output's error, such as ``0.32 % of the variance``: what the limit holds for."""
    # What was measured before this version was held against the power of the whole output.
    share = "the signal" if output.noise is None else "the variance"
    return f"{output.loss.value:.2g} % of {share}"


def more_samples(result: Result, limits: Limits) -> int | None:
    """Return how many more labelled samples would probably make a likely candidate sure.

    Returns:
        None where no number of samples helps: there are no labels, the point is not within the limit, or
        the outputs are the same anyway.
    """
    accuracy, limit = result.accuracy, limits.max_drop
    if accuracy is None or limit is None or accuracy.drop.high <= limit or same(result.fidelity):
        return None
    needed = _settled_at(accuracy, limit, accuracy.drop.value)
    return None if needed is None else min(_estimate(needed - accuracy.samples), MORE_SAMPLES_CAP)


def samples_in_all(accuracy: Accuracy, limit: float) -> int | None:
    """Return how many labelled samples in all would tell whether a drop exceeds `limit`.

    The present drop is taken for the true one where it lies within the limit, else none is: samples are what
    it takes to show equivalence where there is equivalence.
    """
    needed = _settled_at(accuracy, limit, accuracy.drop.value if accuracy.drop.value < limit else 0.0)
    return None if needed is None else min(_estimate(needed), MORE_SAMPLES_CAP)


def _settled_at(accuracy: Accuracy, limit: float, drop: float) -> int | None:
    if accuracy.flips is None:
        room, reach = limit - drop, (accuracy.drop.high - accuracy.drop.low) / 2
        return ceil(accuracy.samples * (reach / room) ** 2) if room > 0 else None
    held = accuracy.effective or accuracy.samples
    flips, net = accuracy.flips / (accuracy.samples * accuracy.places) * held, drop / 100 * held
    lost, won = max((flips + net) / 2, 0.0), max((flips - net) / 2, 0.0)
    needed = samples_to_settle(lost, won, held, limit / 100)
    return None if needed is None else ceil(needed / held * accuracy.samples)


def _estimate(count: int) -> int:
    """Return `count` to two significant digits: more would promise too much."""
    return int(float(f"{count:.2g}"))
