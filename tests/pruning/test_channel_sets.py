from __future__ import annotations

import numpy as np
import pytest

from core.pruning.channel_sets import Joined, reshaped, together


def test_a_class_keeps_the_reason_of_any_of_its_members() -> None:
    joined = Joined()
    one, other = joined.new(3), joined.new(3)
    joined.freeze(other[:1], "because")
    joined.join(one, other)
    assert joined.reason(int(one[0])) == "because"
    assert joined.reason(int(one[1])) is None
    assert joined.find(int(one[2])) == joined.find(int(other[2]))


def test_what_meets_an_input_stays() -> None:
    joined = Joined()
    atoms = joined.new(4)
    assert together(joined, [atoms, None], "the input") is None
    assert all(joined.reason(atom) == "the input" for atom in atoms.tolist())


def test_flattening_repeats_a_channel_and_unflattening_finds_it_again() -> None:
    joined = Joined()
    atoms = joined.new(3)
    flat = reshaped(joined, (None, atoms, None, None), (2, 3, 2, 2), (2, 12))
    assert flat[1] is not None
    assert flat[1].tolist() == np.repeat(atoms, 4).tolist()
    back = reshaped(joined, flat, (2, 12), (2, 3, 2, 2))
    assert [axis is None for axis in back] == [True, False, True, True]
    assert joined.classes(np.asarray(back[1])).tolist() == atoms.tolist()


def test_a_channel_shuffle_ties_the_groups() -> None:
    joined = Joined()
    atoms = joined.new(6)
    split = reshaped(joined, (None, atoms, None), (2, 6, 5), (2, 2, 3, 5))
    assert [axis is None for axis in split] == [True, True, False, True]
    merged = reshaped(joined, (None, split[2], split[1], None), (2, 3, 2, 5), (2, 6, 5))[1]
    assert merged is not None
    assert joined.classes(merged).tolist() == np.repeat(joined.classes(atoms[:3]), 2).tolist()
    assert joined.classes(atoms[:3]).tolist() == joined.classes(atoms[3:]).tolist()


@pytest.mark.parametrize(
    ("before", "after"), [((2, 1, 8), (2, 8)), ((2, 8), (1, 2, 1, 8, 1)), ((2, 8, 1, 1), (2, 8))]
)
def test_axes_of_size_one_come_and_go(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    joined = Joined()
    atoms = joined.new(8)
    axes = tuple(atoms if size == 8 else None for size in before)
    result = reshaped(joined, axes, before, after)
    assert [axis is not None for axis in result] == [size == 8 for size in after]
    assert all(joined.reason(atom) is None for atom in atoms.tolist())


def test_two_axes_of_channels_that_merge_stay() -> None:
    joined = Joined()
    one, other = joined.new(3), joined.new(4)
    assert reshaped(joined, (one, other), (3, 4), (12,)) == (None,)
    assert joined.reason(int(one[0]))
    assert joined.reason(int(other[0]))
