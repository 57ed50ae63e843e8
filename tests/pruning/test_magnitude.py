from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from core.pruning.magnitude import compressed_bytes, masks, zeros


def test_a_layer_loses_its_own_share_and_all_together_the_smallest() -> None:
    small, large = np.full((4, 5), 0.1), np.full((4, 5), -10.0)
    own = masks({"small": small, "large": large}, 0.5, "layer")
    assert [int(keep.sum()) for keep in own.values()] == [10, 10]
    couple = masks({"small": small, "large": large}, 0.5, "global")
    assert [int(keep.sum()) for keep in couple.values()] == [0, 20]


def test_two_of_each_four_inputs_go() -> None:
    weight = np.array([[4.0, 1, 3, 2, 9, 9], [1, 1, 1, 1, 0, 0]])
    keep = masks({"w": weight}, 0.9, "2:4")["w"]
    assert keep[0].tolist() == [True, False, True, False, True, True], "what is no whole four stays"
    assert keep[1, :4].sum() == 2
    turned = masks({"w": weight.T}, 0.9, "2:4", {"w"})["w"]
    np.testing.assert_array_equal(turned, keep.T)


@pytest.mark.parametrize("amount", [0.05, 0.5, 0.95])
def test_equal_magnitudes_lose_an_exact_number(amount: float) -> None:
    keep = masks({"w": np.ones((10, 20))}, amount, "layer")["w"]
    assert zeros([keep]) == round(amount * 200)


def test_compressed_size_is_that_of_deflate(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(3_000_000) + bytes(1_000_000)
    (tmp_path / "f").write_bytes(data)
    assert compressed_bytes([tmp_path / "f"]) == pytest.approx(len(zlib.compress(data, 6)), rel=0.001)
