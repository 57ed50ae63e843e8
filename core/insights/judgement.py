"""How a candidate stands to the limits, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.bench.statistics import samples_to_settle
from core.domain.measurement import Interval
from core.domain.run import Limits, Result

MORE_SAMPLES_CAP = 10_000_000


@dataclass(frozen=True)
class Verdict:
    """How one candidate stands to the limits.

    Attributes:
        meets: Its point respects every limit.
        sure: Its whole interval does.
        violations: Each limit that is broken and by how much, for people.
        excess: Sum of the relative excesses over the broken limits; orders the near misses.
    """

    meets: bool
    sure: bool
    violations: tuple[str, ...]
    excess: float


def loss(result: Result) -> Interval | None:
    """Return the accuracy drop in points or, without labels, the top-1 disagreement in points."""
    if result.accuracy is not None:
        return result.accuracy.drop
    agreement = result.fidelity.top1_agreement
    if agreement is None:
        return None
    return Interval(100 - agreement.value, 100 - agreement.high, 100 - agreement.low)


def noise_share(result: Result) -> float:
    """Return the power of the error in percent of the power of the baseline's outputs."""
    sqnr = result.fidelity.sqnr_db
    return 0.0 if sqnr is None else 100 * 10.0 ** (-sqnr / 10)


def judge(result: Result, limits: Limits) -> Verdict:
    """Return how `result` stands to `limits`.

    Without classes the limit on the drop holds for the noise: 1 point is 1 % of the signal's power, 20 dB.
    """
    broken, lost = list(_broken(result, limits)), loss(result)
    sure = limits.max_drop is None or lost is None or lost.high <= limits.max_drop
    violations = tuple(words for words, _ in broken)
    return Verdict(not broken, sure and not broken, violations, sum((excess for _, excess in broken), 0.0))


def _broken(result: Result, limits: Limits) -> Iterator[tuple[str, float]]:
    """Yield each broken limit in words, with its relative excess."""
    drop, latency, size = limits.max_drop, limits.max_latency_ms, limits.max_size_bytes
    lost, noise, p50 = loss(result), noise_share(result), result.timing.latency.p50
    if drop is not None and lost is not None and lost.value > drop:
        over = lost.value - drop
        yield f"{over:.2f} points over the limit of {drop:g}", over / max(drop, 0.1)
    if drop is not None and lost is None and noise > drop:
        words = f"noise is {noise:.2g} % of the signal, over the limit of {drop:g} %"
        yield words, min(noise, 100.0) / max(drop, 0.1) - 1
    if latency is not None and p50 > latency:
        yield f"{p50 - latency:.2f} ms over the limit of {latency:g} ms", p50 / latency - 1
    if size is not None and result.size_bytes > size:
        over_mb = (result.size_bytes - size) / 1e6
        yield f"{over_mb:.2f} MB over the limit of {size / 1e6:g} MB", result.size_bytes / size - 1


def more_samples(result: Result, limits: Limits) -> int | None:
    """Return how many more labelled samples would probably make a likely candidate sure.

    Returns:
        None where no number of samples helps: there are no labels, or the point is not within the limit.
    """
    accuracy, limit = result.accuracy, limits.max_drop
    if accuracy is None or limit is None or accuracy.drop.high <= limit:
        return None
    net = round(accuracy.drop.value / 100 * accuracy.samples)
    lost, won = (accuracy.flips + net) // 2, (accuracy.flips - net) // 2
    needed = samples_to_settle(lost, won, accuracy.samples, limit / 100)
    return None if needed is None else min(_estimate(needed - accuracy.samples), MORE_SAMPLES_CAP)


def _estimate(count: int) -> int:
    """Return `count` to two significant digits: more would promise too much."""
    return int(float(f"{count:.2g}"))
