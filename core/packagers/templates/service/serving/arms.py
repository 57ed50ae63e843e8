"""The arms of a canary, and in what the new one is worse: errors, latency, predictions.

They are held against each other when the canary has answered 100 requests, 200, 400 and so on. Look *k*
spends 1 / (k (k + 1)) of `ALPHA`, and Holm's correction takes care of the three tests of a look: a canary
that is no worse is rolled back with a probability of `ALPHA` at most, however long it runs.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from .drift import ALPHA, LEAST_PSI, chi_square, holm

FEWEST = 100
KEPT = 5000
"""Newest requests whose time and classes are compared."""
SLOWER = 1.25
"""A canary's median must be so many times the other's to count as slower, however sure the difference is."""
MOST_CLASSES = 10


@dataclass
class Arm:
    """What was seen of the requests that one version answered."""

    requests: int = 0
    failed: int = 0
    ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    classes: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, failed: bool, ms: float, classes: Sequence[int]) -> None:
        """Count a request."""
        self.requests += 1
        self.failed += failed
        if not failed:
            self.ms.append(ms)
            self.classes.extend(classes)

    def about(self) -> dict[str, Any]:
        """Return it as plain values."""
        p50, p95 = np.percentile(self.ms, (50, 95)).tolist() if self.ms else (None, None)
        total = max(len(self.classes), 1)
        shares = {str(kind): count / total for kind, count in Counter(self.classes).most_common(MOST_CLASSES)}
        return {
            **{"requests": self.requests, "failed": self.failed, "p50_ms": p50, "p95_ms": p95},
            "classes": shares,
        }


@dataclass(frozen=True)
class Difference:
    """One thing in which the canary is held against the other.

    `size` is the larger share of errors, the ratio of the medians, or the shift of the classes (PSI).
    """

    name: str
    p: float
    size: float
    large: bool


def differences(control: Arm, canary: Arm) -> list[Difference]:
    """Return how the canary differs; nothing of what neither arm has seen."""
    return [_errors(control, canary), *_latency(control, canary), *_classes(control, canary)]


def worse(found: Sequence[Difference], look: int) -> list[Difference]:
    """Return the differences that are both large and sure, at look 1, 2, 3, …"""
    sure = holm([each.p for each in found], ALPHA / (look * (look + 1)))
    return [each for each, is_sure in zip(found, sure, strict=True) if is_sure and each.large]


def _errors(control: Arm, canary: Arm) -> Difference:
    table = [[arm.failed, arm.requests - arm.failed] for arm in (canary, control)]
    ours, theirs = (arm.failed / max(arm.requests, 1) for arm in (canary, control))
    p = float(stats.fisher_exact(table, alternative="greater").pvalue)
    return Difference("errors", p, ours - theirs, ours > theirs)


def _latency(control: Arm, canary: Arm) -> list[Difference]:
    if not (control.ms and canary.ms):
        return []
    p = float(stats.mannwhitneyu(list(canary.ms), list(control.ms), alternative="greater").pvalue)
    ratio = float(np.median(canary.ms) / max(np.median(control.ms), 1e-9))
    return [Difference("latency", p, ratio, ratio >= SLOWER)]


def _classes(control: Arm, canary: Arm) -> list[Difference]:
    if not (control.classes and canary.classes):
        return []
    _, p, shift = chi_square(np.array(control.classes), np.array(canary.classes))
    return [Difference("predictions", p, shift, shift >= LEAST_PSI)]
