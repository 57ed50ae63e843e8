"""Metrics against the definition of a library or of their authors, and what they say without a value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from core.errors import RuntimeFailed
from core.metrics.choice import chosen, fitting
from core.metrics.ssim import similarity
from core.protocols import Array, Block, Judged, LabelledOutput, Paired
from core.registry import get_metric, metrics
from tests.factories import model

RNG = np.random.default_rng(7)


def judged(id_: str, about: LabelledOutput, ours: Any, theirs: Any, labels: Any, itself: bool = False) -> Any:
    ours, theirs, labels = (np.asarray(each) for each in (ours, theirs, labels))

    def blocks() -> Iterator[Block]:
        for start, stop in pairwise(range(0, len(ours) + 8, 8)):
            rows = slice(start, min(stop, len(ours)))
            if len(ours[rows]):
                yield Block(rows, ours[rows], theirs[rows], labels[rows])

    metric = get_metric(id_)
    assert metric.fits(about)
    return metric.judge(Paired(about, len(ours), blocks, itself))


def classes(count: int, samples: int = 60) -> tuple[Array, Array, Array]:
    labels = np.concatenate([np.arange(count), RNG.integers(0, count, samples - count)])
    theirs = RNG.normal(size=(samples, 1, count))
    theirs[np.arange(samples), 0, labels] += 1.5
    return theirs + 0.3 * RNG.normal(size=theirs.shape), theirs, labels[:, None]


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("count", [2, 4, 7])
def test_metrics_of_classes_are_those_of_scikit_learn(count: int) -> None:
    ours, theirs, labels = classes(count)
    about, truth, answers = LabelledOutput("other", (), count), labels[:, 0], ours[:, 0].argmax(axis=1)
    wanted = {
        "top1": reference.accuracy_score(truth, answers),
        "macro_f1": reference.f1_score(truth, answers, average="macro"),
        "auroc": reference.roc_auc_score(truth, softmax(ours[:, 0]), multi_class="ovr")
        if count > 2
        else reference.roc_auc_score(truth, ours[:, 0, 1] - ours[:, 0, 0]),
    }
    if count > 5:
        wanted["top5"] = reference.top_k_accuracy_score(truth, ours[:, 0], k=5)
    for id_, value in wanted.items():
        found = judged(id_, about, ours, theirs, labels)
        assert found.value.value == pytest.approx(100 * value)
        other = judged(id_, about, theirs, theirs, labels, itself=True)
        assert found.drop.value == pytest.approx(other.value.value - found.value.value)
        assert found.value.low <= found.value.value <= found.value.high
        assert found.drop.low <= found.drop.value <= found.drop.high
        assert (other.drop.low, other.drop.high) == (0.0, 0.0)


def test_metrics_of_regression_are_those_of_scikit_learn() -> None:
    labels = RNG.normal(1000.0, 3.0, (50, 2))
    theirs = labels + RNG.normal(size=(50, 2))
    ours, about = theirs + 0.5 * RNG.normal(size=(50, 2)), LabelledOutput("regression", (2,))
    wanted = {
        "mae": reference.mean_absolute_error(labels, ours),
        "rmse": reference.mean_squared_error(labels.ravel(), ours.ravel()) ** 0.5,
        "r2": reference.r2_score(labels, ours),
    }
    for id_, value in wanted.items():
        found, base = (judged(id_, about, each, theirs, labels) for each in (ours, theirs))
        assert found.value.value == pytest.approx(value)
        assert found.drop.value == pytest.approx(abs(found.value.value - base.value.value))
        assert (base.drop.value, base.drop.low, base.drop.high) == (0, 0, 0)


def test_ignored_pixels_count_nowhere_in_the_mean_iou() -> None:
    scores, other = RNG.normal(size=(2, 20, 30, 4))
    labels = RNG.integers(-1, 3, (20, 30))
    answers = scores.argmax(axis=2)
    kept = labels >= 0
    wanted = reference.jaccard_score(labels[kept], answers[kept], average="macro", labels=[0, 1, 2])
    found = judged("miou", LabelledOutput("other", (5, 6), 4), scores, other, labels)
    assert found.value.value == pytest.approx(100 * wanted)
    nothing = judged("miou", LabelledOutput("other", (5, 6), 4), scores, other, np.full((20, 30), -1))
    assert "ignored" in nothing


def test_tokens_have_accuracy_and_perplexity() -> None:
    scores = RNG.normal(size=(12, 9, 5))
    labels = RNG.integers(-1, 5, (12, 9))
    kept, about = labels >= 0, LabelledOutput("text-generation", (9,), 5)
    likely = np.log(softmax(scores))[kept][np.arange(kept.sum()), labels[kept]]
    assert judged("perplexity", about, scores, scores, labels).value.value == pytest.approx(
        np.exp(-likely.mean())
    )
    right = (scores.argmax(axis=2) == labels)[kept].mean()
    assert judged("token_accuracy", about, scores, scores, labels).value.value == pytest.approx(100 * right)


def test_pictures_have_psnr_and_ssim() -> None:
    labels = RNG.uniform(size=(10, 3, 16, 20))
    ours = labels + 0.1
    about = LabelledOutput("image-to-image", (3, 16, 20))
    assert judged("psnr", about, ours, labels, labels).value.value == pytest.approx(20.0)
    assert judged("psnr", about, labels, labels, labels).value.value == 100.0
    assert judged("ssim", about, labels, labels, labels).value.value == pytest.approx(1.0)
    assert 0.5 < judged("ssim", about, ours, labels, labels).value.value < 1.0
    # Of two constant images only the first factor is left: (2ab + c1) / (a² + b² + c1).
    flat = np.ones((1, 1, 16, 16))
    found = similarity(0.5 * flat, 0.8 * flat, 1.0)
    np.testing.assert_allclose(found, (2 * 0.4 + 1e-4) / (0.25 + 0.64 + 1e-4))


@pytest.mark.parametrize(
    ("id_", "about", "labels", "words"),
    [
        (
            "auroc",
            LabelledOutput("other", (), 2),
            np.zeros((30, 1), int),
            "1 of the 2 classes have no",
        ),
        ("macro_f1", LabelledOutput("other", (), 2), np.ones((30, 1), int), "1 of the 2 classes"),
        ("r2", LabelledOutput("regression", (1,)), np.full((30, 1), 4.0), "same in every sample"),
        ("r2", LabelledOutput("regression", (1,)), np.arange(30.0)[:, None] * 5e-324, "same in every sample"),
        ("top1", LabelledOutput("other", (), 2), np.full((30, 1), -1), "none of the labels"),
    ],
)
def test_a_metric_without_a_value_says_why(id_: str, about: LabelledOutput, labels: Any, words: str) -> None:
    scores = RNG.normal(size=(30, 1, 2) if about.classes else (30, 1))
    assert words in judged(id_, about, scores, scores, labels)


def test_the_bootstrap_interval_of_a_mean_is_that_of_student() -> None:
    labels = np.zeros((400, 1))
    theirs, extra = RNG.normal(size=(2, 400, 1))
    ours = np.abs(theirs) + 0.2 + 0.1 * extra
    found: Judged = judged("mae", LabelledOutput("regression", (1,)), ours, theirs, labels)
    gaps = np.abs(ours[:, 0]) - np.abs(theirs[:, 0])
    reach = 1.966 * gaps.std(ddof=1) / 20
    assert found.drop.high - found.drop.value == pytest.approx(reach, rel=0.15)
    assert found.drop.value - found.drop.low == pytest.approx(reach, rel=0.15)


def test_no_flips_of_a_share_are_no_proof() -> None:
    _, theirs, labels = classes(3)
    found = judged("macro_f1", LabelledOutput("other", (), 3), theirs, theirs, labels)
    assert found.drop.low < 0 < found.drop.high


def test_every_metric_names_itself() -> None:
    assert {each.unit for each in metrics().values()} <= {"%", "dB", ""}
    assert all(each.default_drop > 0 and each.name for each in metrics().values())
    assert chosen("", model(), None) is None
    assert fitting(model(), None) == []


@pytest.mark.parametrize("id_", ["top1", "macro_f1", "auroc"])
def test_outputs_that_hold_nan_have_no_figures(id_: str) -> None:
    ours, theirs, labels = classes(3)
    ours[5, 0, 1] = np.nan
    with pytest.raises(RuntimeFailed, match="candidate's outputs hold NaN"):
        judged(id_, LabelledOutput("image-classification", (), 3), ours, theirs, labels)
