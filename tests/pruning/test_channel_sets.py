from __future__ import annotations

import numpy as np
import pytest

from core.pruning.channel_sets import CoupledChannels, couple, reshaped


def test_a_class_keeps_the_reason_of_any_of_its_members() -> None:
    coupled = CoupledChannels()
    one, other = coupled.new(3), coupled.new(3)
    coupled.freeze(other[:1], "because")
    coupled.join(one, other)
    assert coupled.reason(int(one[0])) == "because"
    assert coupled.reason(int(one[1])) is None
    assert coupled.find(int(one[2])) == coupled.find(int(other[2]))


def test_what_meets_an_input_stays() -> None:
    coupled = CoupledChannels()
    ids = coupled.new(4)
    assert couple(coupled, [ids, None], "the input") is None
    assert all(coupled.reason(channel) == "the input" for channel in ids.tolist())


def test_flattening_repeats_a_channel_and_unflattening_finds_it_again() -> None:
    coupled = CoupledChannels()
    ids = coupled.new(3)
    flat = reshaped(coupled, (None, ids, None, None), (2, 3, 2, 2), (2, 12))
    assert flat[1] is not None
    assert flat[1].tolist() == np.repeat(ids, 4).tolist()
    back = reshaped(coupled, flat, (2, 12), (2, 3, 2, 2))
    assert [axis is None for axis in back] == [True, False, True, True]
    assert coupled.classes(np.asarray(back[1])).tolist() == ids.tolist()


def test_a_channel_shuffle_ties_the_groups() -> None:
    coupled = CoupledChannels()
    ids = coupled.new(6)
    split = reshaped(coupled, (None, ids, None), (2, 6, 5), (2, 2, 3, 5))
    assert [axis is None for axis in split] == [True, True, False, True]
    merged = reshaped(coupled, (None, split[2], split[1], None), (2, 3, 2, 5), (2, 6, 5))[1]
    assert merged is not None
    assert coupled.classes(merged).tolist() == np.repeat(coupled.classes(ids[:3]), 2).tolist()
    assert coupled.classes(ids[:3]).tolist() == coupled.classes(ids[3:]).tolist()


@pytest.mark.parametrize(
    ("before", "after"), [((2, 1, 8), (2, 8)), ((2, 8), (1, 2, 1, 8, 1)), ((2, 8, 1, 1), (2, 8))]
)
def test_axes_of_size_one_come_and_go(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    coupled = CoupledChannels()
    ids = coupled.new(8)
    axes = tuple(ids if size == 8 else None for size in before)
    result = reshaped(coupled, axes, before, after)
    assert [axis is not None for axis in result] == [size == 8 for size in after]
    assert all(coupled.reason(channel) is None for channel in ids.tolist())


def test_two_axes_of_channels_that_merge_stay() -> None:
    coupled = CoupledChannels()
    one, other = coupled.new(3), coupled.new(4)
    assert reshaped(coupled, (one, other), (3, 4), (12,)) == (None,)
    assert coupled.reason(int(one[0]))
    assert coupled.reason(int(other[0]))
