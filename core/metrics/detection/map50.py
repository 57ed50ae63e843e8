"""mAP@.5: the mean over classes of the average precision at an IoU of 0.5 (Pascal VOC, by COCO's rules)."""

from __future__ import annotations

from core.metrics.detection.average_precision import judged
from core.metrics.detection.matching import THRESHOLDS
from core.protocols import Judged, LabelledOutput, Metric, Paired


class MeanAveragePrecisionHalf(Metric):
    """Of object detection: at most 100 detections of a class in an image; crowds count neither way."""

    id = "map50"
    name = "mAP@.5"
    order = 80
    boxes = True

    def fits(self, about: LabelledOutput) -> bool:
        """Boxes to find."""
        return about.boxes

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the images resampled."""
        return judged(given, self, THRESHOLDS[:1])


METRIC = MeanAveragePrecisionHalf()
