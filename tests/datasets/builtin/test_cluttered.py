from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core.datasets.builtin.cluttered import IMAGE, TOKENS, Difficulty, cluttered
from core.datasets.builtin.scikit_learn import scenes
from core.datasets.builtin.split import held_out, training

PIXELS = load_digits().data
ROWS = np.arange(20)


@pytest.mark.parametrize("how", [IMAGE, TOKENS])
def test_scenes_are_the_same_for_the_same_seed_alone(how: Difficulty) -> None:
    one, two, other = (cluttered(PIXELS, ROWS, how, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.shape == (20, how.side**2)
    assert one.min() == 0
    assert one.max() <= 16


def test_nothing_done_is_the_digit_itself() -> None:
    plain = replace(TOKENS, rotation=0.0, scale=(1.0, 1.0), noise=0.0)
    np.testing.assert_allclose(cluttered(PIXELS, ROWS, plain, 0), PIXELS[ROWS], atol=1e-4)


def test_a_digit_is_all_on_the_canvas() -> None:
    clean = replace(IMAGE, fragments=0, noise=0.0)
    found = cluttered(PIXELS, ROWS, clean, 0).sum(axis=1)
    scale = found / (PIXELS[ROWS].sum(axis=1) * (32 / 8) ** 2)
    least, most = IMAGE.scale
    assert (scale > 0.9 * least**2).all()
    assert (scale < 1.1 * most**2).all()


def test_fewer_scenes_are_the_first_of_more() -> None:
    few, classes = scenes(training, 500, tokens=False)
    more, others = scenes(training, 750, tokens=False)
    np.testing.assert_array_equal(few, more[:500])
    np.testing.assert_array_equal(classes, others[:500])


def test_halves_are_made_of_different_digits() -> None:
    one, two = (set(map(bytes, PIXELS[half(len(PIXELS))])) for half in (training, held_out))
    assert len(one & two) < 5
