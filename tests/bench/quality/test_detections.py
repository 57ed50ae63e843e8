"""Detections are found among outputs by shape and values, and compared by class and overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.bench.quality.evaluation import compare
from core.bench.quality.judged_output import Labels
from core.bench.quality.predictions import save_blocks
from core.bench.quality.saved_outputs import read_outputs
from core.domain.quality import Quality
from core.errors import RuntimeFailed
from core.insights.judgement import same
from core.metrics.detection.outputs import DetectionOutputs, detection_outputs
from core.protocols import Array, LabelledOutput

NAMES = ("boxes", "labels", "scores")
DETECTIONS = np.array(
    [
        [[10, 10, 50, 60, 0.9, 1], [60, 20, 90, 90, 0.8, 2], [5, 70, 30, 95, 0.4, 1]],
        [[20, 20, 70, 70, 0.95, 2], [0, 0, 30, 30, 0.1, 1], [0, 0, 0, 0, 0, 0]],
        [[40, 10, 80, 50, 0.6, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
    ],
    np.float32,
)
"""Three pictures of 100 x 100 with three, two and one detection, filled up with zeros."""


def three(values: Array = DETECTIONS) -> list[Array]:
    """Return boxes, labels and scores as torchvision does."""
    return [values[:, :, :4], values[:, :, 5].astype(np.int64), values[:, :, 4]]


def seen(outputs: Sequence[Array], names: Sequence[str] = ()) -> DetectionOutputs | None:
    return detection_outputs(names or [str(i) for i in range(len(outputs))], outputs, (100, 100))


def against(ours: Sequence[Any], theirs: Sequence[Any] = (), labels: Labels | None = None) -> Quality:
    names = NAMES if len(ours) == 3 else [f"out{index}" for index in range(len(ours))]
    return compare(ours, theirs or three(), labels, None, names=names, detects=True, canvas=(100, 100))


@pytest.mark.parametrize(
    "outputs",
    [
        three(),
        three()[::-1],
        [three()[2], three()[0], three()[1].astype(np.float32)],
        [DETECTIONS],
        [DETECTIONS[:, None]],
        [DETECTIONS[:, :, [0, 1, 2, 3, 5, 4]]],
        [np.concatenate([np.zeros((3, 3, 1)), DETECTIONS[:, :, [0, 1, 2, 3, 5, 4]]], axis=2)],
        [np.concatenate([np.zeros((3, 3, 1)), DETECTIONS[:, :, [5, 4, 0, 1, 2, 3]]], axis=2)],
        [three()[0] / 100, *three()[1:]],
    ],
)
def test_boxes_scores_and_classes_are_found_in_any_order(outputs: list[Array]) -> None:
    found = seen(outputs)
    assert found is not None
    there = DETECTIONS[:, :, 4] > 0
    np.testing.assert_allclose(found.read(outputs)[there], DETECTIONS[there], rtol=1e-5)


def test_tensorflow_names_boxes_that_begin_with_y() -> None:
    values = three()
    turned = [values[0][:, :, [1, 0, 3, 2]], *values[1:]]
    found = seen(turned, ("detection_boxes", "detection_classes", "detection_scores"))
    assert found is not None
    np.testing.assert_allclose(found.read(turned)[:, :, :4], values[0])


def test_a_picture_with_one_box_has_one_axis_less_and_counts_as_well() -> None:
    one = [each[:, 0] for each in three()]
    found = seen(one)
    assert found is not None
    np.testing.assert_allclose(found.read(one)[:, 0], DETECTIONS[:, 0])


@pytest.mark.parametrize(
    "outputs",
    [
        [np.random.default_rng(0).random((3, 100, 6))],  # scores of classes before NMS
        [np.random.default_rng(0).normal(size=(3, 100, 4)), np.random.default_rng(1).random((3, 100, 80))],
        [three()[0], three()[2]],
        [three()[0][:, :, [2, 1, 0, 3]], *three()[1:]],
        [np.random.default_rng(0).normal(size=(3, 6))],
    ],
)
def test_raw_heads_are_not_decoded(outputs: list[Array]) -> None:
    assert seen(outputs) is None


def test_another_order_and_rounding_are_the_same_detections() -> None:
    moved = DETECTIONS[:, ::-1].copy()
    moved[:, :, :4] += 0.01
    found = against(three(moved)).fidelity
    assert found.top1_agreement is not None
    assert found.top1_agreement.value == 100
    assert found.detections is not None
    assert found.detections.same
    assert same(found)
    assert [each.name for each in found.outputs] == ["boxes, scores, labels"]
    assert found.sqnr_db is None


def test_another_number_of_boxes_is_matched_and_not_compared_row_by_row() -> None:
    fewer = DETECTIONS[:, 1:].copy()
    found = against(three(fewer)).fidelity
    # Of five confident detections two are left, all of them the baseline's.
    assert found.top1_agreement is not None
    assert found.top1_agreement.value == pytest.approx(100 * 4 / 7)
    assert found.detections is not None
    assert not same(found)
    assert (found.detections.compared, found.detections.confidence) == (7, 0.3)
    assert found.detections.overlap == pytest.approx(1)
    assert found.worst.loss.value == pytest.approx(100 * 3 / 7)


def test_where_the_baseline_is_sure_of_nothing_agreement_says_little() -> None:
    faint = DETECTIONS.copy()
    faint[:, :, 4] *= 0.1
    found = against(three(faint), three(faint * [1, 1, 1, 1, 0.98, 1])).fidelity
    assert "none scores above 0.09" in found.collapsed
    empty = np.zeros((3, 0, 6), np.float32)
    nothing = against(three(empty), three(empty)).fidelity
    assert nothing.top1_agreement is not None
    assert nothing.top1_agreement.low == 0
    assert "there is none" in nothing.collapsed


def test_masks_of_detections_are_left_out_and_other_outputs_are_compared() -> None:
    depth, masks = np.random.default_rng(0).random((3, 7, 9)), np.zeros((3, 3, 1, 8, 8))
    theirs = [*three(), masks, depth]
    found = against([*three(DETECTIONS[:, :2]), masks[:, :2], depth + 0.01], theirs).fidelity
    assert [each.name for each in found.outputs] == ["out0, out2, out1", "out4"]
    assert found.sqnr_db == pytest.approx(found.outputs[1].sqnr_db)


def test_nan_among_the_candidates_detections_is_a_failure() -> None:
    broken = DETECTIONS.copy()
    broken[0, 0, 1] = np.nan
    with pytest.raises(RuntimeFailed, match="NaN"):
        against(three(broken))


def boxes(classes: Array, metric: str = "map") -> Labels:
    """Return the confident detections as labelled boxes, whose `classes` may be counted in several ways."""
    real = DETECTIONS[:, :, 4] >= 0.4
    crowd = np.zeros((*real.shape, 1))
    columns = [np.where(real[:, :, None], each[:, :, None], -1) for each in classes]
    values = np.concatenate([DETECTIONS[:, :, :4], crowd, *columns], axis=2).astype(float)
    return Labels(values, LabelledOutput("object-detection", values.shape[1:], boxes=True), metric)


def test_the_way_of_counting_classes_that_the_baseline_follows_is_taken() -> None:
    label = DETECTIONS[:, :, 5]
    found = against(three(DETECTIONS[:, 1:]), labels=boxes(np.stack([label * 10, label - 1, label]))).accuracy
    assert found is not None
    assert (found.metric, found.samples, found.scale.name) == ("map", 3, "mAP")
    assert found.value < 100 == found.value + found.drop.value


def test_labels_of_another_model_give_no_map() -> None:
    label = DETECTIONS[:, :, 5]
    other = against(three(), labels=boxes(np.stack([label + 40])))
    assert other.accuracy is None
    assert "next to none of the labelled boxes" in other.undefined
    raw = [np.random.default_rng(0).random((3, 100, 6))]
    heads = compare(raw, raw, boxes(np.stack([label])), None, detects=True)
    assert "after NMS" in heads.undefined
    assert heads.fidelity.outputs[0].noise is not None


def test_detections_survive_being_saved_with_as_many_rows_as_there_are(tmp_path: Any) -> None:
    calls = []
    for picture in DETECTIONS:
        rows = picture[picture[:, 4] > 0]
        calls.append(
            [each if len(rows) == 1 else each[None] for each in (rows[:, :4], rows[:, 5], rows[:, 4])]
        )
    save_blocks(calls, tmp_path)
    found = against(read_outputs(tmp_path)).fidelity
    assert found.detections is not None
    assert found.detections.same
