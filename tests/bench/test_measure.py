from __future__ import annotations

import numpy as np
import pytest

from core.bench.measure import beyond
from core.bench.quality.evaluation import compare
from core.bench.quality.judged_output import Labels
from core.domain.quality import Quality
from core.protocols import LabelledOutput

SAMPLES = 256


def _seen(wrong: int, labelled: bool, sequential: bool = True) -> Quality:
    """Return the quality of a candidate that answers so many of the samples otherwise than the baseline."""
    rng = np.random.default_rng(0)
    theirs = np.eye(10)[rng.integers(0, 10, SAMPLES)] + rng.uniform(0, 0.4, (SAMPLES, 10))
    ours = theirs.copy()
    picked = rng.permutation(SAMPLES)[:wrong]
    ours[picked] = np.roll(theirs[picked], 1, axis=1)
    labels = Labels(theirs.argmax(1), LabelledOutput("other", (), 10), "top1") if labelled else None
    return compare([ours], [theirs], labels, 10, sequential=sequential)


@pytest.mark.parametrize("labelled", [True, False])
def test_only_what_is_surely_beyond_the_limit_is_given_up(labelled: bool) -> None:
    assert "after 256 samples" in beyond(_seen(100, labelled), 1.0)
    assert "surely more than the limit" in beyond(_seen(100, labelled), 1.0)
    assert beyond(_seen(4, labelled), 1.0) == ""
    assert beyond(_seen(100, labelled), 60.0) == ""
    assert beyond(_seen(100, labelled), None) == ""


def test_an_interval_for_one_look_gives_nothing_up() -> None:
    assert beyond(_seen(100, True, sequential=False), 1.0) == ""
