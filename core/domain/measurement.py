"""Measurements with confidence intervals: latency, throughput, memory, cold start."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Interval:
    """A point estimate with its 95 % interval; of no width where the value is known, not estimated."""

    value: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether there is no doubt to show, as for the baseline against itself."""
        return self.low == self.high

    def holds(self, value: float) -> bool:
        """Whether `value` lies within it."""
        return self.low <= value <= self.high

    def overlaps(self, other: Interval) -> bool:
        """Whether both intervals share a point: then the two are a tie."""
        return self.low <= other.high and other.low <= self.high

    def rest_of(self, whole: float) -> Interval:
        """Return what is missing to `whole`, with its interval: disagreement from agreement, in percent."""
        return Interval(whole - self.value, whole - self.high, whole - self.low)


@dataclass(frozen=True)
class Environment:
    """The machine and software a measurement was made on.

    Attributes:
        cpu: Model name.
        isa: Instruction sets that matter to inference, such as ``avx512_vnni``.
        cores: Cores this process may use.
        memory_bytes: Physical memory.
        governor: Frequency governor, empty where the system hides it.
        os: Operating system and kernel.
        python: Version.
        libraries: Version of each library that matters.
        load_before: One-minute load average when the measurement began.
        load_after: ... and when it ended.
    """

    cpu: str
    isa: tuple[str, ...]
    cores: int
    memory_bytes: int
    governor: str
    os: str
    python: str
    libraries: dict[str, str] = field(default_factory=dict)
    load_before: float = 0.0
    load_after: float = 0.0

    @property
    def hardware(self) -> tuple[str, tuple[str, ...]]:
        """Processor and instruction sets: figures of others are not on the same axis."""
        return self.cpu, self.isa


@dataclass(frozen=True)
class Latency:
    """Time of one call in milliseconds.

    A percentile is None where the runs are too few to state it at 99 % confidence. The median leaves out
    calls that the system interrupted for another program; tail and mean are those of all calls.
    """

    p50: float
    p90: float | None
    p95: float | None
    p99: float | None
    mean: float
    runs: int
    ci_low: float
    ci_high: float


class Doubt(StrEnum):
    """Reason why a speed-up is unstable."""

    FEW_ROUNDS = "few_rounds"
    """The calls are too long for the time: there were too few rounds for a narrow interval."""
    WIDE = "wide"
    """There was time enough, and the interval stayed wide all the same."""


CROWDED = 0.05
"""From this share of the measured cores' time on, what other programs had of it is worth a word."""


@dataclass(frozen=True)
class Timing:
    """Everything the stopwatch says of one candidate against the baseline.

    Attributes:
        latency: Of the candidate at the target's batch size, at the pace of the run (see `pace`).
        baseline: Of the baseline, as it was timed in the same rounds.
        speedup: Baseline time by candidate time, with the 95 % interval over rounds and process starts.
        rounds: Paired rounds measured.
        unstable: The interval is wider than wanted or rests on too few rounds; `doubt` says which.
        samples_ms: Candidate calls, thinned to at most 200 for the page, at the pace of the run.
        throughput: Samples per second by batch size, at the pace of the run; a batch the model refuses is
            absent. At the target's batch it is what the median latency gives.
        memory_bytes: Peak resident memory of the measuring process above its empty runtime; median of starts.
        load_ms: Cold start: first load of the artifact in a fresh process; median of starts.
        warm_load_ms: Second load in the same process; one observation, so it has no interval.
        environment: Where it was measured.
        pace: Drift correction: what the candidate's times were multiplied by, so that all candidates of a
            run stand on one axis though the machine was not equally fast for each; 1 for times as taken.
        starts: Pairs of fresh processes that the rounds are spread over.
        start_speedups: The speed-up in each of them, with the interval over its rounds; empty in results of
            old.
        moments: 2 where the final heat of the run measured it a second time, later.
        doubt: Why it is unstable; None where it is not, or in results of old.
        disturbed: Share of the candidate's calls (0 to 1) that the system interrupted for another program;
            None where that was not recorded.
        busy: Time that other programs had on the timed cores by that of the calls themselves, in this
            measurement; 0 in results of old.
        throughput_interval: `throughput` with its 95 % interval.
        throughput_gain: Throughput by the baseline's at the same batch, in interleaved rounds with it.
        rivals: Speed-up over other candidates of the final heat, by their ids: out of the rounds that had
            both, so what slows the baseline has no part in it. Empty where it took no part.
        memory_range: Least and most over the starts, in bytes; None with one start.
        load_range_ms: Least and most over the starts; None with one start.
        samples_lost_ms: What other programs took of each of `samples_ms`, at the pace of the run; empty in
            results of old.
        samples_starts: Positions in `samples_ms` at which the calls of a fresh process begin.
        first_ms: First inference in a fresh process, after the load; median of starts. None in results of
            old.
    """

    latency: Latency
    baseline: Latency
    speedup: Interval
    rounds: int
    unstable: bool
    samples_ms: tuple[float, ...]
    throughput: dict[int, float]
    memory_bytes: int
    load_ms: float
    warm_load_ms: float
    environment: Environment
    pace: float = 1.0
    starts: int = 1
    start_speedups: tuple[Interval, ...] = ()
    moments: int = 1
    doubt: Doubt | None = None
    disturbed: float | None = None
    busy: float = 0.0
    throughput_interval: dict[int, Interval] = field(default_factory=dict)
    throughput_gain: dict[int, Interval] = field(default_factory=dict)
    rivals: dict[str, Interval] = field(default_factory=dict)
    memory_range: tuple[int, int] | None = None
    load_range_ms: tuple[float, float] | None = None
    samples_lost_ms: tuple[float, ...] = ()
    samples_starts: tuple[int, ...] = ()
    first_ms: float | None = None

    @property
    def taken(self) -> float:
        """Share (0 to 1) of the timed cores' time that other programs had while calls were timed."""
        return self.busy / (1 + self.busy)

    @property
    def crowded(self) -> bool:
        """Whether other programs had enough of the timed cores to change the speed-up."""
        return self.taken > CROWDED

    @property
    def as_timed_ms(self) -> float:
        """Median of the candidate's calls as the clock showed it."""
        return self.latency.p50 / self.pace
