"""Drift: is a window of predictions drawn like the evaluation data? Needs NumPy and SciPy alone.

Numbers are compared by Kolmogorov and Smirnov's test, categories by chi-square, embeddings by their energy
distance. Windows do not overlap and each is tested once, at a level that shrinks from window to window, so
that a service which never drifts raises a false alarm in its whole life with a probability of `ALPHA`. How
often somebody looks changes nothing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist

from .features import CATEGORY, CLASS, EMBEDDING, NUMBER, Array, Part

ALPHA = 0.01
WINDOWS = ((250, 0.5), (1000, 0.25), (4000, 0.25))
"""Predictions of a window, and its part of `ALPHA`: short ones see sudden drift, long ones weak drift."""
FEWEST = 100
"""Rows that a reference needs."""
LEAST_PSI = 0.1
"""Below it a sure difference of a number or category is too small to matter: a rule of thumb of credit
scoring, Siddiqi, Credit Risk Scorecards (2006)."""
QUANTILES, BINS, MOST_CATEGORIES = 101, 10, 20
FEWEST_EXPECTED = 5
POOLED, SHUFFLES = 250, 400
OTHER = -1.0


@dataclass(frozen=True)
class Column:
    """Where a part lies among the numbers of a row; `edges` are its quantiles or categories if private."""

    name: str
    kind: str
    start: int
    stop: int
    edges: list[float] | None = None


@dataclass(frozen=True)
class Finding:
    """What came of one feature.

    `p` is the probability of so large a difference without drift; `reference` and `live` are means of
    numbers. `psi` is the population stability index, None for embeddings.
    """

    name: str
    kind: str
    test: str
    statistic: float
    p: float
    psi: float | None
    reference: float | None
    live: float | None
    raised: bool = False


@dataclass(frozen=True)
class Reference:
    """Evaluation data as the log keeps predictions: `values` is (rows, numbers of a row).

    `correct` of `labelled` rows were predicted right.
    """

    columns: list[Column]
    values: Array
    labelled: int = 0
    correct: int = 0

    def row(self, parts: Sequence[Part]) -> Array:
        """Return (rows, numbers) of a request as they are kept, for what the reference knows."""
        rows = len(parts[0].values) if parts else 0
        kept, known = np.full((rows, self.values.shape[1]), np.nan), {part.name: part for part in parts}
        for column in self.columns:
            part = known.get(column.name)
            if part is not None and part.values.shape[1] == column.stop - column.start:
                kept[:, column.start : column.stop] = _kept(column, part.values)
        return kept.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write it to an ``.npz`` file."""
        told = {
            "columns": [vars(column) for column in self.columns],
            "labelled": self.labelled,
            "correct": self.correct,
        }
        stream = io.BytesIO()
        np.savez_compressed(
            stream, values=self.values, about=np.frombuffer(json.dumps(told).encode(), np.uint8)
        )
        path.write_bytes(stream.getvalue())

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            told = json.loads(arrays["about"].tobytes())
            columns = [Column(**each) for each in told["columns"]]
            return cls(columns, arrays["values"], told["labelled"], told["correct"])

    def about(self) -> dict[str, Any]:
        """Return what the log keeps of it, as plain values."""
        told = {"rows": len(self.values), "shares": self.shares()}
        return {**told, "labelled": self.labelled, "correct": self.correct}

    def shares(self) -> list[float]:
        """Return the share of each predicted class, by its number; empty where there are none."""
        column = next((each for each in self.columns if each.name == CLASS), None)
        if column is None:
            return []
        seen = self.values[:, column.start].astype(int)
        return [float(count) / len(seen) for count in np.bincount(seen)]


def reference_of(parts: Sequence[Part], labelled: int = 0, correct: int = 0) -> Reference:
    """Return the reference of evaluation data."""
    columns, kept, start = [], [], 0
    for part in parts:
        stop = start + part.values.shape[1]
        column = Column(part.name, part.kind, start, stop, None)
        if part.private:
            column = Column(part.name, *_edges(part.values[:, 0], start, stop))
        columns.append(column)
        kept.append(_kept(column, part.values))
        start = stop
    return Reference(columns, np.concatenate(kept, axis=1).astype(np.float32), labelled, correct)


def level(window: int, number: int) -> float:
    """Return what the window `number` (from 1) of size `WINDOWS[window]` may spend of `ALPHA`.

    Over all sizes and numbers these add up to `ALPHA`, whatever depends on what. Spending a level over looks:
    Lan and DeMets, Biometrika 70 (1983).
    """
    return ALPHA * WINDOWS[window][1] / (number * (number + 1))


def compare(reference: Reference, window: Array, level: float) -> list[Finding]:
    """Return what came of each feature of a window (rows, numbers), tested together at a level."""
    found = [_compared(column, reference.values, window) for column in reference.columns]
    raised = holm([each.p for each in found], level)
    return [
        Finding(**{**vars(each), "raised": sure and (each.psi is None or each.psi >= LEAST_PSI)})
        for each, sure in zip(found, raised, strict=True)
    ]


def holm(p: Sequence[float], level: float) -> list[bool]:
    """Return which hypotheses fall when all are tested together at a level.

    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979): the
    probability of any false rejection stays below the level, however the tests depend on each other.
    """
    fallen = [False] * len(p)
    for rank, index in enumerate(np.argsort(p)):
        if p[index] > level / (len(p) - rank):
            break
        fallen[index] = True
    return fallen


def less_correct(correct: int, rows: int, reference: Reference) -> float:
    """Return the probability of so few correct labels without a loss of accuracy: Fisher's exact test."""
    everything, right = rows + reference.labelled, correct + reference.correct
    return float(stats.hypergeom.cdf(correct, everything, right, rows))


def psi(expected: Array, found: Array) -> float:
    """Return the population stability index of counts, half a row added to each."""
    ours, theirs = ((each + 0.5) / (each + 0.5).sum() for each in (found, expected))
    return float(((ours - theirs) * np.log(ours / theirs)).sum())


def energy(ours: Array, theirs: Array) -> tuple[float, float]:
    """Return the energy distance of two samples (rows, width), from 0 to 1, and its p-value by permutation.

    Székely and Rizzo, Energy statistics, J. Stat. Plan. Inference 143 (2013). Levels are far below what
    some hundred permutations resolve, so that their moments give the tail (Pearson's type III; Josse, Pagès
    and Husson, Comput. Stat. Data Anal. 53 (2008) do so for another such statistic).
    """
    rng, rows = np.random.default_rng(0), len(ours)
    pooled = np.concatenate([ours, theirs])
    distances = cdist(pooled, pooled)
    place = np.argsort(rng.random((SHUFFLES, len(pooled))), axis=1) < rows
    chosen = np.concatenate([np.arange(len(pooled))[None] < rows, place]).astype(np.float64)
    first, second = chosen / rows, (1 - chosen) / len(theirs)
    between = first[0] @ distances @ second[0]
    difference = first - second
    squared = -((difference @ distances) * difference).sum(axis=1)
    seen, shuffled = squared[0], squared[1:]
    spread = shuffled.std()
    if not spread > 0:
        return 0.0, 1.0
    skew = float(np.clip(stats.skew(shuffled), 1e-3, 10))
    p = float(stats.pearson3.sf(seen, skew, shuffled.mean(), spread))
    return float(seen / (2 * between)), min(1.0, p)


def _compared(column: Column, reference: Array, window: Array) -> Finding:
    both = (reference[:, column.start : column.stop], window[:, column.start : column.stop])
    theirs, ours = (part[np.isfinite(part).all(axis=1)].astype(np.float64) for part in both)
    if min(len(theirs), len(ours)) < FEWEST or not _varies(theirs, ours):
        return Finding(column.name, column.kind, "", 0.0, 1.0, None, None, None)
    if column.kind == EMBEDDING:
        return Finding(
            column.name, column.kind, "energy distance", *_embedded(theirs, ours), None, None, None
        )
    if column.kind == CATEGORY:
        return _categories(column, theirs[:, 0], ours[:, 0])
    found = stats.ks_2samp(ours[:, 0], theirs[:, 0], method="asymp")
    edges = np.unique(np.quantile(theirs[:, 0], np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = [
        np.bincount(np.searchsorted(edges, each[:, 0]), minlength=len(edges) + 1) for each in (theirs, ours)
    ]
    means = float(theirs.mean()), float(ours.mean())
    tested = "Kolmogorov-Smirnov", float(found.statistic), float(found.pvalue)
    return Finding(column.name, column.kind, *tested, psi(*counts), *means)


def _varies(theirs: Array, ours: Array) -> bool:
    return bool(np.ptp(np.concatenate([theirs, ours]), axis=0).max() > 0)


def _embedded(theirs: Array, ours: Array) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    scale = theirs.std(axis=0)
    scale[scale == 0] = scale.max() or 1.0
    few = [
        each[rng.permutation(len(each))[:most]] / scale
        for each, most in ((ours, POOLED), (theirs, 2 * POOLED))
    ]
    return energy(*few)


def chi_square(theirs: Array, ours: Array) -> tuple[float, float, float]:
    """Return statistic, p and shift (PSI) of categories that changed.

    Categories too rare for chi-square are taken together (Cochran's rule).
    """
    kinds = np.unique(np.concatenate([theirs, ours]))
    table = np.array([[(each == kind).sum() for kind in kinds] for each in (ours, theirs)])
    expected = table.sum(axis=0) * len(ours) / (len(ours) + len(theirs))
    rare = expected < FEWEST_EXPECTED
    if rare.sum() > 1:
        table = np.concatenate([table[:, ~rare], table[:, rare].sum(axis=1, keepdims=True)], axis=1)
    if table.shape[1] < 2:
        return 0.0, 1.0, 0.0
    found = stats.chi2_contingency(table, correction=False)
    return float(found.statistic), float(found.pvalue), psi(table[1], table[0])


def _categories(column: Column, theirs: Array, ours: Array) -> Finding:
    statistic, p, shift = chi_square(theirs, ours)
    return Finding(column.name, column.kind, "chi-square", statistic, p, shift, None, None)


def _edges(values: Array, start: int, stop: int) -> tuple[str, int, int, list[float]]:
    """Return kind and edges of a column of a table: its categories if these are few, else its quantiles."""
    distinct = np.unique(values)
    if len(distinct) <= MOST_CATEGORIES and np.all(distinct == np.rint(distinct)):
        return CATEGORY, start, stop, distinct.tolist()
    return NUMBER, start, stop, np.unique(np.quantile(values, np.linspace(0, 1, QUANTILES))).tolist()


def _kept(column: Column, values: Array) -> Array:
    """Return values as they are kept: of private ones the nearest quantile, or the number of the category."""
    if column.edges is None:
        return values
    edges = np.array(column.edges)
    nearest = np.searchsorted((edges[1:] + edges[:-1]) / 2, values)
    if column.kind == CATEGORY:
        return np.where(edges[nearest] == values, nearest, OTHER)
    return np.where(np.isfinite(values), edges[nearest], np.nan)
