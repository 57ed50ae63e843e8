"""mAP: the mean over classes and IoU thresholds from 0.5 to 0.95 of the average precision (COCO)."""

from __future__ import annotations

from core.domain.model import DETECTION
from core.metrics.detection.average_precision import judged
from core.metrics.detection.matching import THRESHOLDS
from core.protocols import Judged, LabelledOutput, Metric, Paired


class MeanAveragePrecision(Metric):
    """Of object detection: at most 100 detections of a class in an image; crowds count neither way."""

    id = "map"
    name = "mAP"
    order = -21
    tasks = frozenset({DETECTION})
    boxes = True

    def fits(self, about: LabelledOutput) -> bool:
        """Boxes to find."""
        return about.boxes

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the images resampled."""
        return judged(given, self, THRESHOLDS)


METRIC = MeanAveragePrecision()
