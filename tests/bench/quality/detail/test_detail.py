"""Figures in detail equal those of scikit-learn on the same outputs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.preprocessing import label_binarize

from core.bench.quality.detail.answers import MOST_FLIPS, WHOLE_CLASSES
from core.bench.quality.detail.calibration import reliability
from core.bench.quality.detail.detail import accuracy_detail
from core.bench.quality.judged_output import Labels
from core.domain.accuracy_detail import AccuracyDetail, Answers
from core.protocols import Array, LabelledOutput
from core.serde import from_json, to_json

RNG = np.random.default_rng(3)


def scores(labels: Array, classes: int, noise: float) -> Array:
    """Return logits that are right more or less often."""
    found = RNG.standard_normal((len(labels), classes)) * noise
    found[np.arange(len(labels)), labels] += 1.5
    return found.astype(np.float32)


def softmax(values: Array) -> Array:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def of_classes(ours: Array, theirs: Array, labels: Array, classes: int) -> AccuracyDetail:
    about = Labels(labels, LabelledOutput("image-classification", (), classes), "top1")
    found = accuracy_detail([ours], [theirs], about, classes, ["y"])
    assert from_json(to_json(found), AccuracyDetail) == found
    return found


def test_counts_and_confusion_are_those_of_scikit_learn() -> None:
    labels = RNG.choice(5, 400, p=[0.4, 0.3, 0.2, 0.1, 0.0])
    ours, theirs = scores(labels, 6, 1.0), scores(labels, 6, 0.6)
    found = of_classes(ours, theirs, labels, 6)
    counts, answers = found.classes, ours.argmax(axis=1)
    assert counts is not None
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, answers, labels=counts.classes, zero_division=0
    )
    hits, given, wanted = (np.array(each) for each in (counts.hits, counts.answered, counts.support))
    assert wanted.tolist() == support.tolist()
    np.testing.assert_allclose(hits / np.maximum(given, 1), precision)
    np.testing.assert_allclose(hits / np.maximum(wanted, 1), recall)
    np.testing.assert_allclose(2 * hits / (given + wanted), f1)
    assert sum(counts.hits) - sum(counts.base_hits) == sum(counts.won) - sum(counts.lost)
    matrix = np.zeros((6, 6), int)
    assert found.confusion is not None
    matrix[list(found.confusion.labels), list(found.confusion.answers)] = found.confusion.counts
    assert matrix.tolist() == metrics.confusion_matrix(labels, answers, labels=range(6)).tolist()


def test_flips_are_the_samples_whose_correctness_changes() -> None:
    labels = RNG.integers(0, 4, 200)
    ours, theirs = scores(labels, 4, 1.2), scores(labels, 4, 0.8)
    flips = of_classes(ours, theirs, labels, 4).flips
    right, was = (each.argmax(axis=1) == labels for each in (ours, theirs))
    assert flips is not None
    assert list(flips.index) == np.flatnonzero(right != was).tolist()
    assert flips.total == len(flips.index)
    sure = softmax(ours.astype(np.float64)).max(axis=1)
    np.testing.assert_allclose(flips.confidence, sure[list(flips.index)], atol=1e-4)


def test_the_calibration_error_is_that_of_bins_of_equal_width() -> None:
    """As torchmetrics computes it: a bin holds its lower bound, and a confidence of 1 has its own."""
    labels = RNG.integers(0, 10, 1000)
    logits = scores(labels, 10, 1.0)
    found = of_classes(logits, logits, labels, 10).reliability
    same = of_classes(softmax(logits), softmax(logits), labels, 10).reliability
    tops, right = softmax(logits.astype(np.float64)).max(axis=1), logits.argmax(axis=1) == labels
    at = np.floor(tops * 15).astype(int)
    expected = sum(
        (at == which).mean() * abs(tops[at == which].mean() - right[at == which].mean())
        for which in np.unique(at)
    )
    assert found is not None
    assert same is not None
    assert found.ece == pytest.approx(100 * expected, abs=1e-9)
    assert same.ece == pytest.approx(found.ece, abs=1e-3)
    assert reliability(np.array([1.0, 1.0, 0.5, 0.5]), np.array([True, True, True, False])).ece == 0.0


def test_a_single_logit_has_the_confidence_of_its_sigmoid() -> None:
    labels = RNG.integers(0, 2, 300)
    logit = (2.0 * labels - 1 + RNG.standard_normal(300)).astype(np.float32)[:, None]
    other = logit + RNG.standard_normal((300, 1)).astype(np.float32)
    flips = of_classes(logit, other, labels, 2).flips
    assert flips is not None
    sure = 1 / (1 + np.exp(-np.abs(logit[list(flips.index), 0])))
    np.testing.assert_allclose(flips.confidence, sure, atol=1e-4)


def test_scores_of_many_labels_have_no_calibration_and_say_why() -> None:
    labels = RNG.integers(0, 3, 50)
    sigmoids = 1 / (1 + np.exp(-scores(labels, 3, 1.0)))
    found = of_classes(sigmoids, sigmoids, labels, 3)
    assert found.reliability is None
    assert "do not add up to 1" in found.unreliable
    assert label_binarize(labels, classes=[0, 1, 2]).shape == sigmoids.shape


def test_a_thousand_classes_stay_compact() -> None:
    labels = RNG.integers(0, 1000, 5_000)
    noisy = scores(labels, 1000, 0.9)
    found = of_classes(noisy, scores(labels, 1000, 0.45), labels, 1000)
    assert found.confusion is not None
    assert not found.confusion.whole
    assert found.flips is not None
    assert len(found.flips.index) == MOST_FLIPS < found.flips.total
    assert len(to_json(found)) < 250_000
    assert WHOLE_CLASSES < 1000


def test_without_labels_flips_are_the_answers_that_differ() -> None:
    labels = RNG.integers(0, 4, 100)
    ours, theirs = scores(labels, 4, 1.0), scores(labels, 4, 1.0)
    found = accuracy_detail([ours], [theirs], None, 4, ["y"])
    assert found.flips is not None
    assert found.flips.total == int((ours.argmax(1) != theirs.argmax(1)).sum())
    assert (found.flips.labels, found.classes, found.reliability) == ((), None, None)


def test_pixels_have_counts_per_class_and_the_pictures_that_lost_most() -> None:
    masks = RNG.integers(0, 3, (8, 5, 6))
    masks[0, 0] = 255
    theirs = np.moveaxis(np.eye(3, dtype=np.float32)[np.where(masks == 255, 0, masks)], 3, 1)
    ours = theirs.copy()
    ours[2] = ours[2, ::-1]
    about = Labels(masks, LabelledOutput("image-segmentation", (5, 6), 3), "miou")
    found = accuracy_detail([ours], [theirs], about, 3, ["y"])
    known = masks != 255
    expected = metrics.confusion_matrix(masks[known], ours.argmax(axis=1)[known])
    assert found.answers is Answers.PLACES
    assert found.classes is not None
    assert list(found.classes.hits) == np.diag(expected).tolist()
    assert list(found.classes.base_hits) == list(found.classes.support)
    assert found.worst is not None
    assert found.worst.index == (2,)
    assert "depend on each other" in found.unreliable


def test_numbers_have_errors_and_r2_of_scikit_learn() -> None:
    labels = RNG.standard_normal((60, 2))
    theirs = (labels + 0.1 * RNG.standard_normal((60, 2))).astype(np.float32)
    ours = theirs.copy()
    ours[7] += 3
    about = Labels(labels, LabelledOutput("regression", (2,)), "mae")
    found = accuracy_detail([ours], [theirs], about, None, ["y"])
    errors = found.errors
    assert errors is not None
    assert errors.r2 == pytest.approx(metrics.r2_score(labels, ours))
    assert errors.base_r2 == pytest.approx(metrics.r2_score(labels, theirs))
    assert errors.rmse == pytest.approx(metrics.mean_squared_error(labels, ours) ** 0.5)
    assert sum(errors.counts) == labels.size
    assert found.worst is not None
    assert found.worst.index == (7,)


def test_outputs_without_labels_and_classes_show_the_samples_that_differ_most() -> None:
    theirs = RNG.standard_normal((20, 3, 4)).astype(np.float32)
    ours = theirs.copy()
    ours[5] += 1
    found = accuracy_detail([ours], [theirs], None, None, ["y"])
    assert found.worst is not None
    assert found.worst.index == (5,)
    assert found.worst.values == pytest.approx((1.0,))
    second = accuracy_detail([theirs, ours], [theirs, theirs], None, None, ["y", "z"], worst="z")
    assert (second.output, second.worst) == ("z", found.worst)


def test_boxes_are_counted_by_class() -> None:
    boxes = np.full((4, 2, 6), -1.0, np.float32)
    boxes[:, 0] = (10, 10, 30, 30, 0, 1)
    theirs = [np.full((4, 1, 4), (10, 10, 30, 30), np.float32), np.full((4, 1), 0.9, np.float32)]
    classes = np.ones((4, 1), np.int64)
    ours = [each.copy() for each in theirs]
    ours[0][3] += 40
    about = Labels(boxes, LabelledOutput("object-detection", (2, 6), boxes=True), "map")
    names = ["boxes", "scores", "labels"]
    found = accuracy_detail([*ours, classes], [*theirs, classes], about, None, names, True, (64, 64))
    assert found.answers is Answers.DETECTIONS
    assert found.classes is not None
    assert (found.classes.support, found.classes.hits, found.classes.base_hits) == ((4,), (3,), (4,))
