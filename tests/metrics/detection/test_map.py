"""mAP beside the reference evaluation of COCO, and its bootstrap beside evaluating what was drawn."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import numpy as np
import pytest

from core.metrics.detection.average_precision import mean_average_precision
from core.metrics.detection.matching import THRESHOLDS, match
from core.protocols import Array, Block, Judged, LabelledOutput, Paired
from core.registry import get_metric
from tests.metrics.detection.scenes import Picture, scenes

KNOWN = {1: (0.10088394148814683, 0.22810381187278828), 2: (0.0575429809916309, 0.1164870607426258)}
"""What pycocotools 2.0.11 says of scenes by seed: mAP and mAP@.5."""


def ours(pictures: list[Picture]) -> tuple[float, float]:
    once = np.ones((1, len(pictures)))
    every, half = (match(pictures, each) for each in (THRESHOLDS, THRESHOLDS[:1]))
    return float(mean_average_precision(every, once)[0]), float(mean_average_precision(half, once)[0])


def reference(pictures: list[Picture]) -> tuple[float, float]:
    coco, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(len(pictures))],
            "annotations": _rows(pictures, 1),
            "categories": [{"id": label} for label in range(7)],
        }
        truth.createIndex()
        judge = evaluation.COCOeval(truth, truth.loadRes(_rows(pictures, 0)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0]), float(judge.stats[1])


def _rows(pictures: list[Picture], side: int) -> list[dict[str, object]]:
    """Return detections (0) or boxes (1) as COCO's files have them."""
    rows = [(image, row) for image, pair in enumerate(pictures) for row in pair[side].tolist()]
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": int(label),
            "bbox": [x, y, x2 - x, y2 - y],
            "area": (x2 - x) * (y2 - y),
            "score": value,
            "iscrowd": int(value) if side else 0,
        }
        for number, (image, (x, y, x2, y2, value, label)) in enumerate(rows, 1)
    ]


@pytest.mark.parametrize("seed", KNOWN)
def test_map_is_that_of_the_reference(seed: int) -> None:
    assert ours(scenes(seed)) == pytest.approx(KNOWN[seed], abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_map_is_that_of_pycocotools_where_it_is_installed(seed: int) -> None:
    pictures = scenes(seed, crowds=seed / 10)
    assert ours(pictures) == pytest.approx(reference(pictures), abs=1e-12)


def test_a_resampling_is_what_evaluating_the_drawn_images_gives() -> None:
    # Without ties, whose order among copies of an image is anybody's.
    rng, pictures = np.random.default_rng(0), scenes(5)
    for found, _ in pictures:
        found[:, 4] = rng.random(len(found))
    drawn = np.sort(rng.integers(0, len(pictures), len(pictures)))
    weights = np.bincount(drawn, minlength=len(pictures))[None].astype(float)
    again = match([pictures[index] for index in drawn])
    assert mean_average_precision(match(pictures), weights)[0] == pytest.approx(
        mean_average_precision(again, np.ones((1, len(drawn))))[0], abs=1e-12
    )


def judged(id_: str, pictures: list[Picture], worse: float = 0.0, itself: bool = False) -> Judged | str:
    theirs, labels = (_filled([pair[side] for pair in pictures]) for side in (0, 1))
    labels[:, :, 5] = np.where(labels[:, :, 2] > 0, labels[:, :, 5], -1)
    ours = theirs.copy()
    ours[:, :, 2] += worse * (ours[:, :, 2] - ours[:, :, 0])

    def blocks() -> Iterator[Block]:
        for start in range(0, len(ours), 16):
            rows = slice(start, min(start + 16, len(ours)))
            yield Block(rows, ours[rows], theirs[rows], labels[rows])

    about = LabelledOutput("object-detection", labels.shape[1:], boxes=True)
    return get_metric(id_).judge(Paired(about, len(ours), blocks, itself))


def _filled(rows: list[Array]) -> Array:
    most = max(map(len, rows))
    return np.stack([np.pad(each, [(0, most - len(each)), (0, 0)]) for each in rows])


@pytest.mark.parametrize("id_", ["map", "map50"])
def test_a_drop_has_an_interval_and_the_baseline_none(id_: str) -> None:
    pictures = scenes(1)
    worse, same = judged(id_, pictures, 0.3), judged(id_, pictures, itself=True)
    assert isinstance(worse, Judged)
    assert isinstance(same, Judged)
    assert same.value.value == pytest.approx(100 * KNOWN[1][id_ == "map50"])
    assert 0 < worse.drop.low <= worse.drop.value <= worse.drop.high
    assert (same.drop.low, same.drop.high) == (0, 0)
    equal = judged(id_, pictures)
    assert isinstance(equal, Judged)
    assert equal.drop.low < 0 == equal.drop.value < equal.drop.high


def test_without_a_labelled_box_there_is_no_map() -> None:
    nothing = [(found, np.zeros((1, 6))) for found, _ in scenes(1, 4)]
    assert judged("map", nothing) == "none of the images has a labelled box"
