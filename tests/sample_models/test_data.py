from __future__ import annotations

import numpy as np
import pytest

from core.datasets.builtin.split import held_out, training
from sample_models.data import held_out_rows, training_rows


@pytest.mark.parametrize("n", [1, 2, 569, 1797])
def test_the_halves_are_disjoint_and_complete(n: int) -> None:
    assert len(training(n)) == n // 2
    assert sorted([*training(n), *held_out(n)]) == list(range(n))


def test_the_held_out_half_is_the_second_half_of_a_fixed_permutation() -> None:
    order = np.random.default_rng(0).permutation(569)
    np.testing.assert_array_equal(held_out(569), order[284:])


@pytest.mark.parametrize(
    ("sample", "shape", "dtype"),
    [
        ("digits-resnet", (1, 32, 32), np.float32),
        ("digits-transformer", (64,), np.int64),
        ("cancer-mlp", (30,), np.float32),
    ],
)
def test_rows_have_the_inputs_of_their_sample(sample: str, shape: tuple[int, ...], dtype: type) -> None:
    learned, measured = training_rows(sample), held_out_rows(sample)
    assert learned.inputs.shape[1:] == measured.inputs.shape[1:] == shape
    assert measured.inputs.dtype == dtype
    assert not {row.tobytes() for row in learned.inputs} & {row.tobytes() for row in measured.inputs}
