from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.bench.quality import accumulation
from core.errors import RuntimeFailed
from core.serde import to_plain
from tests.bench.quality.compared import compare

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
    classes = np.arange(32).reshape(2, 16) % 3
    tokens = np.eye(3)[classes[:, :5]]
    pixels = np.moveaxis(np.eye(3)[classes.reshape(2, 4, 4)], 3, 1)
    other_tokens, other_pixels = tokens.copy(), pixels.copy()
    other_tokens[0, 0] = [0.0, 9.0, 0.0]
    other_pixels[0, :, 0, 0] = [0.0, 9.0, 0.0]
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


def test_a_ruined_output_is_not_hidden_by_a_sound_one() -> None:
    """A speech network: a probability, and a state 256 wide that is fed back."""
    generator = np.random.default_rng(0)
    state, probability = generator.standard_normal((64, 256)), generator.random((64, 1))
    noisy = [
        probability + generator.normal(0, 0.5, (64, 1)),
        state + generator.normal(0, 0.1 * 0.9, state.shape),
    ]
    _, fidelity = compare(noisy, [probability, state], None, None, names=["probability", "state"])
    pooled = sum((a**2).sum() for a in (state, probability)) / sum(
        ((a - b) ** 2).sum() for a, b in zip(noisy, (probability, state), strict=True)
    )
    assert 10 * np.log10(pooled) > 18
    first, second = fidelity.outputs
    assert fidelity.worst is first
    assert (first.name, second.name) == ("probability", "state")
    assert first.sqnr_db is not None
    assert second.sqnr_db is not None
    assert fidelity.sqnr_db == first.sqnr_db < 3
    assert second.sqnr_db == pytest.approx(20.9, abs=0.5)
    assert first.loss.low > 50
    assert second.loss.high < 1.0


def test_a_constant_offset_is_no_signal() -> None:
    """A temperature in kelvin: 40 dB of power, and nothing of what changes is left."""
    generator = np.random.default_rng(0)
    kelvin = 300 + generator.normal(0, 3, (200, 1))
    output = compare([np.full_like(kelvin, 300)], [kelvin], None, None)[1].outputs[0]
    assert output.sqnr_db is not None
    assert output.sqnr_db > 38
    assert output.noise is not None
    assert output.noise.value == pytest.approx(100, rel=0.05)


def test_scores_count_beside_the_coordinates_in_one_output() -> None:
    """Boxes with coordinates in pixels and scores below one, as detectors return them."""
    generator = np.random.default_rng(0)
    boxes, scores = generator.uniform(0, 640, (16, 4, 100)), generator.random((16, 2, 100))
    theirs = np.concatenate([boxes, scores], axis=1)
    ours = np.concatenate([boxes + generator.normal(0, 0.3, boxes.shape), 0 * scores], axis=1)
    noise = compare([ours], [theirs], None, None)[1].worst.loss
    assert noise.low > 99
    assert compare([theirs + 1e-4], [theirs], None, None)[1].worst.loss.high < 0.01


def test_an_output_that_never_changes_is_judged_by_its_size() -> None:
    anchors = np.tile(np.arange(1.0, 9.0), (10, 1))
    noise = compare([anchors * 1.001], [anchors], None, None)[1].worst.loss
    assert noise.value == pytest.approx(1e-4)


def test_whole_numbers_are_equal_or_not() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 50, (100, 4))
    wrong = labels.copy()
    wrong[:5] += 1
    _, fidelity = compare([wrong], [labels.astype(np.int32)], None, None)
    assert fidelity.top1_agreement is not None
    assert fidelity.top1_agreement.value == 95.0
    assert fidelity.worst.loss.value == 5.0
    with pytest.raises(RuntimeFailed, match="float64"):
        compare([wrong.astype(float)], [labels], None, None)


def test_the_noise_of_another_draw_lies_within_the_interval() -> None:
    """A few samples hold most of the error, so that one draw of samples says little of the next."""
    generator = np.random.default_rng(0)
    theirs = generator.standard_normal((20000, 8))
    ours = theirs + 0.02 * generator.standard_gamma(0.5, (20000, 1)) * generator.standard_normal((20000, 8))
    truth = compare([ours], [theirs], None, None)[1].worst.loss.value
    held = 0
    for start in range(0, 20000, 200):
        cut = slice(start, start + 200)
        loss = compare([ours[cut]], [theirs[cut]], None, None)[1].worst.loss
        held += loss.low <= truth <= loss.high
    assert held >= 88


def test_the_baseline_is_in_no_doubt_against_itself_but_its_accuracy_is() -> None:
    accuracy, fidelity = compare([BASE], [BASE], LABELS, 3, itself=True)
    assert accuracy is not None
    assert accuracy.drop.exact
    assert accuracy.interval is not None
    assert accuracy.interval.low < accuracy.value < accuracy.interval.high
    assert fidelity.top1_agreement is not None
    assert fidelity.top1_agreement.exact
    assert fidelity.worst.loss.exact


def test_pixels_of_an_image_are_not_independent() -> None:
    """Whole images are right or wrong: thirty of them are thirty, however many pixels they have."""
    generator = np.random.default_rng(0)
    right, flips = generator.random(30) < 0.8, generator.random(30) < 0.2
    wanted = np.tile(np.arange(3)[:, np.newaxis], (30, 8, 8))[:, :8, :8] % 3
    theirs = np.where(right[:, np.newaxis, np.newaxis], wanted, (wanted + 1) % 3)
    ours = np.where((right & ~flips)[:, np.newaxis, np.newaxis], wanted, (wanted + 1) % 3)
    maps = [np.moveaxis(np.eye(3)[each], 3, 1) for each in (ours, theirs)]
    accuracy, fidelity = compare([maps[0]], [maps[1]], wanted, 3)
    images, _ = compare(
        [np.eye(2)[(right & ~flips).astype(int)]], [np.eye(2)[right.astype(int)]], np.ones(30, int), 2
    )
    assert accuracy is not None
    assert images is not None
    assert (accuracy.samples, accuracy.places) == (30, 64)
    assert accuracy.interval is not None
    assert images.interval is not None
    assert accuracy.value == pytest.approx(images.value)
    for mine, whole in ((accuracy.interval, images.interval), (accuracy.drop, images.drop)):
        assert mine.high - mine.low == pytest.approx(whole.high - whole.low, rel=0.15)
    assert fidelity.top1_agreement is not None
    assert fidelity.top1_agreement.high - fidelity.top1_agreement.low > 15


def test_one_class_for_all_inputs_is_no_agreement() -> None:
    generator = np.random.default_rng(0)
    spread = 0.1 * generator.standard_normal((100, 10))
    noisy = spread + 0.02 * generator.standard_normal(spread.shape)
    always = np.eye(10)[0]
    _, fidelity = compare([noisy + always], [spread + always], None, 10)
    assert fidelity.top1_agreement is None
    assert fidelity.outputs[0].top1_agreement is None
    assert "one class for 100%" in fidelity.collapsed
    assert "Give inputs of real use" in fidelity.collapsed
    assert fidelity.worst.loss.value == pytest.approx(4, rel=0.2)
    labels = np.zeros(100, int)
    accuracy, labelled = compare([noisy + always], [spread + always], labels, 10)
    assert accuracy is not None
    assert not labelled.collapsed


def test_two_classes_of_a_thousand_a_lead_of_nothing_and_values_near_zero_are_told() -> None:
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((100, 1000))
    few = noise / 100 + np.eye(1000)[generator.integers(0, 2, 100)]
    assert "2 of 1,000 classes" in compare([few], [few], None, 1000)[1].collapsed
    level = 1 + noise * 1e-5
    assert "rounding" in compare([level], [level], None, 1000)[1].collapsed
    tiny = noise[:, :3] * 1e-8
    assert "says little" in compare([tiny], [tiny], None, None)[1].collapsed
    assert not compare([noise], [noise], None, 1000)[1].collapsed


def test_the_order_of_tiles_and_channels_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    theirs = generator.standard_normal((37, 5, 7, 11))
    ours = theirs + 0.1 * generator.standard_normal(theirs.shape)
    labels = generator.integers(0, 5, (37, 7, 11))
    whole = compare([ours], [theirs], labels, 5)
    monkeypatch.setattr(accumulation, "TILE", 700)
    assert compare([ours], [theirs], labels, 5)[1].samples == 37
    for one, other in zip(compare([ours], [theirs], labels, 5), whole, strict=True):
        assert to_plain(one) == approximately(to_plain(other))


def approximately(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: approximately(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(approximately(each) for each in value)
    return pytest.approx(value) if isinstance(value, float) else value
