"""Measurements with confidence intervals: latency, throughput, memory, accuracy, fidelity."""

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
        memory_range: Least and most over the starts, in bytes; None with one start.
        load_range_ms: Least and most over the starts; None with one start.
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
    memory_range: tuple[int, int] | None = None
    load_range_ms: tuple[float, float] | None = None

    @property
    def as_timed_ms(self) -> float:
        """Median of the candidate's calls as the clock showed it."""
        return self.latency.p50 / self.pace


@dataclass(frozen=True)
class Scale:
    """How a metric is read.

    Attributes:
        name: As part of a sentence.
        unit: ``%`` for a share, ``dB``, or empty for a plain number, such as an error in the targets' unit.
        higher: Whether more is better.
    """

    name: str = "accuracy"
    unit: str = "%"
    higher: bool = True

    @property
    def label(self) -> str:
        """The name at the head of a line."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def title(self) -> str:
        """The name at the head of a column, with the unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def step(self) -> str:
        """The unit of differences: ``points`` of a share."""
        return "points" if self.unit == "%" else self.unit

    def words(self, value: float, digits: int = 1) -> str:
        """Return a value with its unit: `digits` decimals of a share, else four digits in all."""
        number = f"{value:.{digits}f}" if self.unit == "%" else f"{value:.4g}"
        return f"{number} {self.unit}".strip()

    def difference(self, value: float) -> str:
        """Return a signed difference with its unit."""
        number = f"{round(value, 2) + 0.0:+.2f}" if self.unit == "%" else f"{value:+.3g}"
        return f"{number} {self.step}".strip()


@dataclass(frozen=True)
class Accuracy:
    """Quality against labels, paired with the baseline on the same samples.

    Attributes:
        metric: Id of the metric, such as ``top1``.
        value: In the unit of `scale`.
        drop: By how much the candidate is worse than the baseline, whichever direction is worse, in the unit
            of `scale` (points of a share), with a paired 95 % interval; exactly 0 for the baseline.
        samples: Evaluated samples: images, texts or rows.
        flips: Predictions whose correctness differs from the baseline's; None where none is right or wrong.
        mcnemar_p: Exact McNemar p-value of the flips.
        interval: `value` with its own 95 % interval; None in results of old.
        places: Predictions in each sample: the pixels of a segmentation, the tokens of a text, else 1.
        effective: Independent predictions that are worth as much as all of them; None in results of old, and
            where no closed form needs it.
        scale: How the metric is read.
        output: Name of the output that was judged; empty in results of old.
    """

    metric: str
    value: float
    drop: Interval
    samples: int
    flips: int | None
    mcnemar_p: float | None
    interval: Interval | None = None
    places: int = 1
    effective: float | None = None
    scale: Scale = field(default_factory=Scale)
    output: str = ""

    @property
    def change(self) -> Interval:
        """By how much the value differs from the baseline's."""
        if not self.scale.higher:
            return self.drop
        return Interval(0.0 - self.drop.value, 0.0 - self.drop.high, 0.0 - self.drop.low)


@dataclass(frozen=True)
class OutputFidelity:
    """Fidelity of one output to the baseline's: top-1 agreement, SQNR, output error.

    Attributes:
        name: Of the output.
        sqnr_db: Power of the baseline's output by the power of the error, in decibel; None where they are
            identical.
        max_abs_error: Largest absolute difference.
        top1_agreement: Percent of equal answers (the same arg-max, or the same whole number), with a 95 %
            interval; None where it has neither, or where agreement would mean nothing.
        noise: Power of the error in percent of what the output varies from input to input, with a 95 %
            interval: a constant offset is no signal. None in whole numbers and in results of old.
    """

    name: str
    sqnr_db: float | None
    max_abs_error: float
    top1_agreement: Interval | None = None
    noise: Interval | None = None

    @property
    def loss(self) -> Interval:
        """Percent of answers that differ or, where there are none, the noise in percent of the variance."""
        agreement = self.top1_agreement
        if agreement is not None:
            return agreement.rest_of(100)
        share = 0.0 if self.sqnr_db is None else 100 * 10.0 ** (-self.sqnr_db / 10)
        return self.noise or Interval(share, share, share)


@dataclass(frozen=True)
class Fidelity:
    """Fidelity of all outputs to the baseline's; needs no labels and is no accuracy.

    Attributes:
        top1_agreement: Percent of predictions with the same arg-max in the output that has classes, with a
            95 % interval; None where there are no classes or where agreement means nothing, see `collapsed`.
        sqnr_db: Signal to quantization-noise ratio of the worst output in decibel; None for identical ones.
        max_abs_error: Largest absolute difference of any output.
        samples: Compared samples.
        outputs: Every output by itself; empty in results of old.
        collapsed: Why figures on these inputs say little, and what to give instead, in a plain sentence;
            empty where they mean something.
        random: The inputs were drawn at random, not taken from data.
        blind: What the artifact was calibrated on was random, too.
    """

    top1_agreement: Interval | None
    sqnr_db: float | None
    max_abs_error: float
    samples: int
    outputs: tuple[OutputFidelity, ...] = ()
    collapsed: str = ""
    random: bool = False
    blind: bool = False

    @property
    def each(self) -> tuple[OutputFidelity, ...]:
        """Every output; one that stands for all of them in results of old."""
        old = OutputFidelity("all outputs", self.sqnr_db, self.max_abs_error, self.top1_agreement)
        return self.outputs or (old,)

    @property
    def worst(self) -> OutputFidelity:
        """The output that lost most by its own measure."""
        return max(self.each, key=lambda output: output.loss.value)
