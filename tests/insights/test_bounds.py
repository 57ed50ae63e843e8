"""What bounds layers and candidates, by planted profiles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.insights.alignment import aligned, with_followers
from core.insights.bounds import Bound, level_of, reached, standing, verdict
from tests.profiles import BASELINE, CANDIDATE, ROOFS, layer

FULL = layer("full", 1.0, macs=90_000_000, bytes=1_000_000)
"""90 of 100 GMAC/s at 90 MACs per byte."""
STREAM = layer("stream", 1.0, macs=1_000_000, bytes=80_000_000)
"""80 of 100 GB/s."""
TINY = layer("tiny", 1.0, macs=1_000_000, bytes=10_000)


def test_each_layer_has_the_bound_that_was_planted() -> None:
    full, stream, tiny = (standing(each, ROOFS, "L2") for each in (FULL, STREAM, TINY))
    assert (full.bound, full.share) == (Bound.COMPUTE, pytest.approx(0.9))
    assert (stream.bound, stream.share) == (Bound.MEMORY, pytest.approx(0.8))
    assert tiny.bound is Bound.NEITHER
    assert standing(layer("copy", 1.0, bytes=70_000_000), ROOFS, "L2").bound is Bound.MEMORY
    assert standing(layer("bf16", 1.0, macs=10, precision="BF16"), ROOFS, "L2").bound is Bound.UNKNOWN
    assert standing(FULL, None, "").bound is Bound.UNKNOWN


def test_what_does_not_fit_a_cache_comes_from_memory() -> None:
    small = replace(CANDIDATE, layers=(layer("one", 1.0, parameters=1000),))
    large = replace(CANDIDATE, layers=(layer("one", 1.0, parameters=1_000_000),))
    assert (level_of(small, ROOFS), level_of(large, ROOFS)) == ("L2", "DRAM")


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("full", {"layers": (replace(FULL, share=1.0),)}, "At 90% of what this core can do in FP32"),
        ("memory", {"layers": (STREAM,)}, "bound by memory"),
        ("tiny", {"layers": (TINY,)}, "too small"),
        ("overhead", {"layers": (replace(FULL, ms=0.5),)}, "50% of a call passes outside"),
        ("no roofline", {"layers": (FULL,), "roofline": None}, "not known"),
    ],
)
def test_a_sentence_says_what_can_still_help(name: str, changes: dict[str, object], said: str) -> None:
    # Weights and tensors of one layer that all fit the fast level.
    roofs = replace(ROOFS, sizes={"L2": 2**40})
    profile = replace(CANDIDATE, **({"roofline": roofs} | changes))  # type: ignore[arg-type]
    assert said in verdict(profile), name


def test_only_a_format_that_this_machine_is_faster_in_is_advised() -> None:
    roofs = replace(ROOFS, sizes={"L2": 2**40})
    full = replace(CANDIDATE, layers=(FULL,), roofline=roofs)
    assert "smaller number format" in verdict(full)
    slow = replace(roofs, compute={"FP32": ROOFS.compute["FP32"]})
    assert "only fewer operations" in verdict(replace(full, roofline=slow))


def test_the_share_reached_is_the_time_at_the_roofs() -> None:
    roofs = replace(ROOFS, sizes={"L2": 2**40})
    half = replace(FULL, name="half", macs=45_000_000)
    found = reached(replace(CANDIDATE, layers=(FULL, half), latency_ms=2.0, roofline=roofs))
    assert found == pytest.approx((0.9 + 0.45) / 2)


def test_layers_that_multiply_find_their_counterpart_in_order() -> None:
    assert aligned(CANDIDATE.layers, BASELINE.layers) == {1: 0, 2: 2}
    assert with_followers(BASELINE.layers, 0) == pytest.approx(1.5)


def test_where_layers_were_removed_names_or_work_tell_the_others_apart() -> None:
    shorter = CANDIDATE.layers[2:]
    assert aligned(shorter, BASELINE.layers) == {0: 2}  # by the node's name
    nameless = [replace(each, nodes=()) for each in shorter]
    assert aligned(nameless, BASELINE.layers) == {0: 2}  # by its MACs
