from __future__ import annotations

import numpy as np
import pytest

from core.pruning.propagation import Tracer
from core.pruning.selection import DependencyGroup, PruningRule, choose, groups


def group(start: int, importance: list[float]) -> DependencyGroup:
    return DependencyGroup(
        (("w", start),), tuple(range(start, start + len(importance))), np.array(importance)
    )


def test_the_least_important_of_each_group_go() -> None:
    found = [group(0, [3, 1, 2, 4]), group(10, [1, 9, 9, 1])]
    assert choose(found, PruningRule(0.5, round_to=1)) == {1, 2, 10, 13}


def test_globally_the_least_important_of_all_go() -> None:
    found = [group(0, [1, 1.1, 1.2, 1.3]), group(10, [5, 0.1, 0.2, 6])]
    assert choose(found, PruningRule(0.25, round_to=1, scope="global")) == {11, 12}


@pytest.mark.parametrize(
    ("width", "ratio", "kept"),
    [(64, 0.3, 48), (64, 0.5, 32), (64, 0.9, 8), (16, 0.3, 12), (6, 0.9, 6), (100, 0.3, 72)],
)
def test_widths_are_rounded_up_and_never_below_the_step(width: int, ratio: float, kept: int) -> None:
    found = [group(0, [float(at) for at in range(width)])]
    assert width - len(choose(found, PruningRule(ratio, round_to=8))) == kept


@pytest.mark.parametrize("criterion", ["l1", "l2"])
def test_importance_counts_what_makes_and_what_reads_a_channel(criterion: str) -> None:
    first, second = np.ones((4, 3), np.float32), np.ones((2, 4), np.float32)
    first[1], second[:, 2] = 5, 9
    tracer = Tracer({"first": first, "second": second}, {"x": (2, 3), "h": (2, 4), "y": (2, 2)})
    tracer.linear("x", "first", None, "h")
    tracer.linear("h", "second", None, "y")
    tracer.freeze(["y"], "the network's output")
    (found,) = groups(tracer, criterion)
    assert found.places == (("first", 0), ("second", 1))
    assert np.argsort(found.importance)[::-1][:2].tolist() == [2, 1]


def test_a_norm_behind_a_layer_scales_its_channels() -> None:
    first, second = np.ones((4, 3), np.float32), np.ones((2, 4), np.float32)
    tracer = Tracer({"first": first, "second": second}, {"x": (2, 3), "h": (2, 4), "y": (2, 2)})
    tracer.linear("x", "first", None, "h")
    tracer.linear("h", "second", None, "y")
    tracer.freeze(["y"], "the network's output")
    tracer.multiply("first", np.array([1, 1, 0.01, 1]))
    (found,) = groups(tracer, "l2")
    assert int(np.argmin(found.importance)) == 2
