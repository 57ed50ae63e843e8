"""Sizes at which a model is run before anything else."""

from __future__ import annotations

import pytest

from core.domain.model import TensorSpec
from core.errors import InvalidRequest
from core.protocols import Feed
from core.sources.probe import Specs, settle

INPUTS = (TensorSpec("x", "float32", ("b", "s", 4)), TensorSpec("past", "float32", ("b", "p", 4)))


def joined(feed: Feed) -> Specs:
    """A cache and what is new, one after the other."""
    rows, new, width = feed["x"].shape
    return (TensorSpec("y", "float32", (rows, new + feed["past"].shape[1], width)),)


def test_a_stated_size_of_0_is_tried() -> None:
    settled = settle(INPUTS, joined, {"x": (1, 3, 4), "past": (1, 0, 4)})
    assert settled.sizes["p"] == 0


def test_sizes_at_which_nothing_comes_out_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="every output is empty") as caught:
        settle(INPUTS, joined, {"x": (1, 0, 4), "past": (1, 0, 4)})
    assert "at least 1" in caught.value.hint


def test_a_detector_may_find_nothing_in_noise() -> None:
    boxes = (TensorSpec("boxes", "float32", (0, 4)),)
    assert settle(INPUTS, lambda _: boxes, {}).outputs[0].shape == (0, 4)
