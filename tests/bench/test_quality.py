from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.bench.quality import compare, read_outputs
from core.errors import RuntimeFailed

BASE = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 5.0], [4.0, 0.0, 1.0]])
LABELS = np.array([0, 1, 2, 1])


def test_accuracy_is_paired_and_fidelity_needs_no_labels() -> None:
    ours = BASE.copy()
    ours[1] = [2.0, 0.0, 1.0]
    accuracy, fidelity = compare([ours], [BASE], LABELS, 3)
    assert accuracy is not None
    assert (accuracy.value, accuracy.drop.value, accuracy.flips, accuracy.samples) == (50.0, 25.0, 1, 4)
    assert accuracy.drop.low < 0 < accuracy.drop.high
    assert accuracy.mcnemar_p == 1.0
    assert fidelity.top1_agreement is not None
    assert fidelity.top1_agreement.value == 75.0
    assert fidelity.max_abs_error == 2.0
    assert fidelity.sqnr_db == pytest.approx(10 * np.log10((BASE**2).sum() / 8))
    assert compare([ours], [BASE], None, 3)[0] is None


def test_identical_outputs_have_no_noise_but_keep_their_doubt() -> None:
    accuracy, fidelity = compare([BASE], [BASE], LABELS, 3)
    assert fidelity.sqnr_db is None
    assert fidelity.max_abs_error == 0.0
    assert accuracy is not None
    assert accuracy.drop.low < 0 < accuracy.drop.high


def test_without_a_class_axis_there_is_no_agreement() -> None:
    accuracy, fidelity = compare([BASE + 0.1], [BASE], LABELS, None)
    assert accuracy is None
    assert fidelity.top1_agreement is None
    assert fidelity.max_abs_error == pytest.approx(0.1)


def test_the_scores_are_found_behind_the_label() -> None:
    """Scikit-learn's classifiers return the label first."""
    label = BASE.argmax(1)
    accuracy, fidelity = compare([label, BASE], [label, BASE], LABELS, 3)
    assert accuracy is not None
    assert accuracy.value == 75.0
    assert fidelity.top1_agreement is not None


def test_tokens_and_pixels_agree_along_their_own_class_axis() -> None:
    tokens, pixels = np.zeros((2, 5, 3)), np.zeros((2, 3, 4, 4))
    tokens[..., 1], pixels[:, 2] = 1.0, 1.0
    other_tokens, other_pixels = tokens.copy(), pixels.copy()
    other_tokens[0, 0] = [9.0, 0.0, 0.0]
    other_pixels[0, 0, 0, 0] = 9.0
    for ours, theirs, places in ((tokens, other_tokens, 10), (pixels, other_pixels, 32)):
        agreement = compare([ours], [theirs], None, 3)[1].top1_agreement
        assert agreement is not None
        assert agreement.value == pytest.approx(100 * (places - 1) / places)


def test_outputs_that_are_not_finite_are_a_failure_but_shared_masks_are_not() -> None:
    broken, masked = BASE.copy(), BASE.copy()
    broken[2, 1], masked[0, 2] = np.nan, -np.inf
    with pytest.raises(RuntimeFailed, match="not finite"):
        compare([broken], [BASE], LABELS, 3)
    with pytest.raises(RuntimeFailed, match="not finite"):
        compare([masked], [BASE], LABELS, 3)
    assert compare([masked], [masked], LABELS, 3)[1].max_abs_error == 0.0
    with pytest.raises(RuntimeFailed, match="model itself") as caught:
        compare([broken], [broken], LABELS, 3)
    assert "data of your own" in caught.value.hint


def test_other_shapes_are_a_failure() -> None:
    with pytest.raises(RuntimeFailed, match="shapes"):
        compare([BASE[:, :2]], [BASE], LABELS, 3)


def test_outputs_are_read_in_order_and_their_absence_is_told(tmp_path: Path) -> None:
    for index in (0, 2, 10):
        np.save(tmp_path / f"{index}.npy", np.full(3, index))
    assert [int(output[0]) for output in read_outputs(tmp_path)] == [0, 2, 10]
    with pytest.raises(RuntimeFailed):
        read_outputs(tmp_path / "nothing")
