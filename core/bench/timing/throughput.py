"""Throughput: samples per second at several batch sizes, interleaved with the baseline."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

import numpy as np

from core.bench.timing.between_process import Spread
from core.bench.timing.blocks import Block, ratios
from core.bench.timing.commands import BATCH, SetBatch
from core.bench.timing.endpoint import Endpoint, Host
from core.bench.timing.interleaving import MeasurementPlan, run_round, turns
from core.bench.timing.statistics import FEWEST_ROUNDS, ratio_interval
from core.domain.measurement import Interval
from core.errors import Cancelled, WhetstoneError
from core.machine.environment import memory_available

MEMORY_SHARE = 0.5
# A batch of which one call of both takes more than so many times the time for it is left out.
TOO_LONG = 10


@dataclass(frozen=True)
class Rate:
    """Throughput at one batch size.

    Attributes:
        per_s: Samples per second of the candidate, as timed.
        gain: By the baseline's, measured in the same rounds.
    """

    per_s: float
    gain: Interval

    @property
    def interval(self) -> Interval:
        """`per_s` with the relative width of `gain`."""
        value = self.gain.value
        return Interval(self.per_s, self.per_s * self.gain.low / value, self.per_s * self.gain.high / value)


def throughput(
    host: Host,
    other: Host,
    endpoint: Endpoint,
    plan: MeasurementPlan,
    spread: Spread,
    moments: Spread,
    seed: int,
) -> dict[int, Rate]:
    """Return the rates at the plan's batch sizes, but for the target's own, which the latency tells.

    What either model refuses, memory cannot hold or would take too long is absent.

    Args:
        host: The candidate's process, opened.
        other: The baseline's, opened.
        endpoint: The candidate.
        plan: Batch sizes and time.
        spread: What is known of the spread between process starts.
        moments: What is known of the spread between moments.
        seed: Of the order of turns and the bootstrap.

    Raises:
        Cancelled: The person asked to stop.
    """
    own, grown = endpoint.model.fixed_batch or endpoint.target.batch, 0.0
    sample_ms = sum(each.open().call_ms for each in (host, other)) / own
    found: dict[int, Rate] = {}
    for batch in _batches(endpoint, plan.throughput_batches):
        too_long = batch * sample_ms > 1000 * TOO_LONG * plan.throughput_seconds
        if too_long or grown * batch > MEMORY_SHARE * memory_available():
            break
        try:
            sides = [(each, each.ask(BATCH, SetBatch(batch)), list[Block]()) for each in (host, other)]
            rounds = [(each, known.call_ms, blocks) for each, known, blocks in sides]
            _run(rounds, plan, random.Random(seed + batch))
        except Cancelled:
            raise
        except WhetstoneError:
            # A refused size is a fact about the model, and bigger ones would be refused too.
            break
        grown = sum(known.memory for _, known, _ in sides) / batch
        ours, theirs = (blocks for _, _, blocks in rounds)
        gain = ratio_interval([ratios(theirs, ours)], spread, moments, seed=seed)
        per_s = 1000 * batch / float(np.median([block.middle_ms for block in ours]))
        found[batch] = Rate(per_s, gain)
    return found


def _batches(endpoint: Endpoint, wanted: Iterable[int]) -> list[int]:
    if endpoint.model.fixed_batch is not None:
        return []
    return sorted(batch for batch in set(wanted) if batch != endpoint.target.batch)


def _run(sides: list[tuple[Host, float, list[Block]]], plan: MeasurementPlan, order: random.Random) -> None:
    begin, rounds, seconds = monotonic(), 0, plan.throughput_seconds
    in_turn = turns(sides, order)
    while not rounds or monotonic() - begin < (
        seconds if rounds >= FEWEST_ROUNDS else plan.stretch * seconds
    ):
        run_round(next(in_turn))
        rounds += 1
