"""A service that is watched: what its prediction log tells."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Traffic:
    """Requests of a stretch of time.

    Attributes:
        requests: How many.
        per_s: Of a second.
        failed: Answered with a status of 500 or more.
        refused: Answered with a status of 400 to 499.
        p50_ms: Median of those that got a prediction; None where none did.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
        stages_ms: Median of each part.
    """

    requests: int
    per_s: float
    failed: int
    refused: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    stages_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """One of equal stretches of time; `time` is its middle, in seconds since 1970."""

    time: float
    per_s: float
    failed_per_s: float
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True)
class ClassShare:
    """Share of predictions of a class (its number), on the evaluation data and live; None where unknown."""

    index: int
    reference: float | None
    live: float | None


@dataclass(frozen=True)
class Feature:
    """What came of one feature of a window.

    Attributes:
        name: Of the feature.
        kind: ``number``, ``category`` or ``embedding``.
        test: That was made; empty where nothing varies or too little is known.
        statistic: Of the test.
        p: Probability of so large a difference without drift.
        psi: Population stability index; None for embeddings.
        reference: Mean on the evaluation data, of numbers.
        live: Mean of the window, of numbers.
        raised: Whether it differs beyond doubt, and enough to matter.
    """

    name: str
    kind: str
    test: str
    statistic: float
    p: float
    psi: float | None
    reference: float | None
    live: float | None
    raised: bool


@dataclass(frozen=True)
class Window:
    """Predictions that were tested together.

    Attributes:
        size: How many.
        number: Of the windows of its size, from 1.
        time: When it was tested, in seconds since 1970.
        level: Probability of a false alarm that it may spend.
        findings: By feature.
    """

    size: int
    number: int
    time: float
    level: float
    findings: tuple[Feature, ...]

    @property
    def raised(self) -> tuple[Feature, ...]:
        """The features that drifted."""
        return tuple(each for each in self.findings if each.raised)


@dataclass(frozen=True)
class LiveAccuracy:
    """Share of right predictions among those with labels, its 95 % interval, and that of the evaluation."""

    value: float
    low: float
    high: float
    labels: int
    reference: float | None


@dataclass(frozen=True)
class Arm:
    """A version, or one arm of a test of several.

    Attributes:
        version: Its name.
        arm: Of the test; empty without one.
        traffic: Its requests.
        classes: Predicted classes, the most frequent first.
        confidence: Mean; None without classes.
        reference_rows: Rows of the evaluation data that it is held against; 0 without any.
        logged: Predictions that the log took so far.
        windows: That were tested, by size, the newest first.
        accuracy: By the labels that came in; None without any.
    """

    version: str
    arm: str
    traffic: Traffic
    classes: tuple[ClassShare, ...]
    confidence: float | None
    reference_rows: int
    logged: int
    windows: tuple[Window, ...]
    accuracy: LiveAccuracy | None

    @property
    def name(self) -> str:
        """Version and arm."""
        return f"{self.version} {self.arm}".strip()

    def newest(self) -> tuple[Window, ...]:
        """Return the newest window of each size."""
        found: dict[int, Window] = {}
        for window in self.windows:
            found.setdefault(window.size, window)
        return tuple(found.values())


@dataclass(frozen=True)
class Alert:
    """A rule that is broken now."""

    rule: str
    message: str


@dataclass(frozen=True)
class Watched:
    """What a prediction log tells.

    Attributes:
        name: Of the service.
        classes: Names of the classes.
        time: Of the look, in seconds since 1970.
        seconds: How far back traffic and classes were looked at.
        traffic: All requests.
        timeline: The same by time.
        arms: Each version, and arm of a test.
        alerts: That are on.
    """

    name: str
    classes: tuple[str, ...]
    time: float
    seconds: float
    traffic: Traffic
    timeline: tuple[Moment, ...]
    arms: tuple[Arm, ...]
    alerts: tuple[Alert, ...]

    def class_name(self, index: int) -> str:
        """Return the name of a class, its number where it has none."""
        return self.classes[index] if 0 <= index < len(self.classes) else str(index)
