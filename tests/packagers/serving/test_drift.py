"""Drift is raised soon after it is planted, and not without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.domain.model import TensorSpec
from core.packagers.templates.service.serving.drift import (
    ALPHA,
    WINDOWS,
    Reference,
    compare,
    energy,
    holm,
    less_correct,
    level,
    psi,
    reference_of,
)
from core.packagers.templates.service.serving.features import Part, parts

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator, int, float], list[Part]]
REFERENCE, CLEAN, SOON, RUNS = 1000, 2000, 500, 20


def pictures(rng: np.random.Generator, rows: int, drift: float) -> list[Part]:
    """Return pictures of four classes that differ in where they are bright; drift makes them brighter."""
    label = rng.integers(0, 4, rows)
    x = rng.normal(0, 1, (rows, 3, 8, 8)) + rng.normal(0, 0.4, (rows, 1, 1, 1))
    x += 1.5 * (np.arange(8) // 2 == label[:, None])[:, None, None, :] + drift
    scores = x.mean(axis=(1, 2)).reshape(rows, 4, 2).mean(axis=2) * 4
    spec = TensorSpec("x", "float32", ("batch", 3, 8, 8))
    return parts([spec], {"x": x.astype(np.float32)}, {"y": scores}, "y", rows)


def classes(rng: np.random.Generator, rows: int, drift: float) -> list[Part]:
    """Return signals of ten classes; drift makes the first more frequent."""
    share = np.full(10, 0.1 * (1 - drift))
    share[0] += drift
    label = rng.choice(10, rows, p=share)
    x = rng.normal(0, 1, (rows, 100)) + 0.01 * label[:, None]
    scores = rng.normal(0, 1, (rows, 10)) + 4 * np.eye(10)[label]
    return parts([TensorSpec("x", "float32", ("batch", 100))], {"x": x}, {"y": scores}, "y", rows)


def table(rng: np.random.Generator, rows: int, drift: float) -> list[Part]:
    """Return rows of a table of 12 columns, one of which has five categories; drift rescales one."""
    x = rng.gamma(2, 1, (rows, 12))
    x[:, 4] = rng.choice(5, rows, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    x[:, 7] *= 1 + drift
    return parts([TensorSpec("x", "float32", ("batch", 12))], {"x": x}, {"y": x[:, :1]}, "", rows)


def texts(rng: np.random.Generator, rows: int, drift: float) -> list[Part]:
    """Return texts of 30 tokens; drift takes words from elsewhere."""
    frequent = rng.geometric(0.02, (rows, 30)) % 5000
    ids = np.where(rng.random((rows, 30)) < drift, 4000 + frequent % 900, frequent)
    spec = TensorSpec("ids", "int64", ("batch", "length"), high=5000)
    return parts([spec], {"ids": ids}, {"y": rng.normal(0, 1, (rows, 2))}, "y", rows)


def first_raised(draw: Draw, seed: int, rows: int, drift: float) -> tuple[int, set[str]]:
    """Return after how many predictions drift is raised, and in what; 0 where it is not."""
    rng = np.random.default_rng(seed)
    reference = reference_of(draw(rng, REFERENCE, 0.0))
    live = reference.row(draw(rng, rows, drift))
    for end in range(1, rows + 1):
        found = set()
        for index, (size, _) in enumerate(WINDOWS):
            if end % size == 0:
                window = live[end - size : end]
                told = compare(reference, window, level(index, end // size))
                found |= {each.name for each in told if each.raised}
        if found:
            return end, found
    return 0, set()


PLANTED = [
    (pictures, 0.4, "x: brightness"),
    (classes, 0.2, "predicted class"),
    (table, 0.5, "x[7]"),
    (texts, 0.3, "ids: tokens"),
]


@pytest.mark.parametrize(("draw", "drift", "where"), PLANTED)
def test_planted_drift_is_raised_within_500_predictions(draw: Draw, drift: float, where: str) -> None:
    for seed in range(2):
        after, names = first_raised(draw, seed, SOON, drift)
        assert 0 < after <= SOON
        assert where in names


@pytest.mark.slow
@pytest.mark.parametrize("draw", [pictures, classes, table, texts])
def test_20_clean_runs_of_2000_predictions_raise_nothing(draw: Draw) -> None:
    raised = [first_raised(draw, 100 + seed, CLEAN, 0.0) for seed in range(RUNS)]
    assert raised == [(0, set())] * RUNS


def test_a_clean_run_raises_nothing() -> None:
    assert first_raised(table, 7, CLEAN, 0.0) == (0, set())


def test_the_levels_of_all_windows_add_up_to_alpha() -> None:
    spent = sum(level(index, number) for index in range(len(WINDOWS)) for number in range(1, 20_000))
    assert ALPHA * 0.999 < spent <= ALPHA


def test_holm_stops_at_the_first_that_stands() -> None:
    assert holm([0.04, 0.001, 0.03], 0.05) == [False, True, False]
    assert holm([0.01, 0.02, 0.04], 0.05) == [True, True, True]


def test_the_energy_distance_has_uniform_p_values_without_drift_and_small_ones_with() -> None:
    rng = np.random.default_rng(1)
    clean = [energy(rng.normal(0, 1, (60, 3)), rng.normal(0, 1, (90, 3)))[1] for _ in range(60)]
    assert 0 < sum(p < 0.1 for p in clean) <= 14
    assert min(clean) > 1e-4
    distance, p = energy(rng.normal(0.8, 1, (60, 3)), rng.normal(0, 1, (90, 3)))
    assert p < 1e-6
    assert 0 < distance < 1


def test_psi_grows_with_the_shift() -> None:
    assert psi(np.array([50, 50]), np.array([500, 500])) == pytest.approx(0, abs=1e-3)
    assert 0.1 < psi(np.array([50, 50]), np.array([70, 30])) < psi(np.array([50, 50]), np.array([90, 10]))


def test_a_loss_of_accuracy_is_told_from_chance() -> None:
    reference = Reference([], np.zeros((0, 0)), 1000, 900)
    assert less_correct(222, 250, reference) > 0.1
    assert less_correct(200, 250, reference) < 1e-4


def test_a_tables_values_are_kept_as_quantiles_of_the_reference_alone() -> None:
    rng = np.random.default_rng(0)
    reference = reference_of(table(rng, 1000, 0.0))
    fresh = table(rng, 50, 0.0)
    kept = reference.row(fresh)
    assert {kept[row, 7] for row in range(50)} <= {
        np.float32(edge) for edge in reference.columns[7].edges or ()
    }
    assert not np.isin(fresh[7].values.astype(np.float32), kept[:, 7]).any()
    fresh[4].values[0] = 99
    assert reference.row(fresh)[0, 4] == -1


def test_a_constant_or_broken_feature_is_not_judged() -> None:
    reference = reference_of(
        [Part("a", "number", np.ones((200, 1))), Part("b", "number", np.arange(200.0)[:, None])]
    )
    window = np.stack([np.ones(250), np.full(250, np.nan)], axis=1)
    assert [each.raised for each in compare(reference, window, 0.01)] == [False, False]
