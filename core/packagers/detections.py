"""How a kit's scripts read boxes, scores and classes out of the outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.metrics.detection.outputs import detection_outputs, one_call
from core.metrics.detection.pairs import CONFIDENT
from core.protocols import Package


def reading(package: Package) -> dict[str, Any] | None:
    """Return where detections stand in the outputs, or None where there are none.

    Returns:
        ``outputs`` are the names of those that hold boxes, scores and classes, or of the only one, which has
        the corners, score and class in ``columns``; ``scale`` makes pixels of x and y; ``y_first`` says that
        y1 comes before x1; ``least`` is the score from which a detection counts; ``classes`` are names by
        number.
    """
    names = [spec.name for spec in package.model.outputs]
    with np.load(package.golden, allow_pickle=False) as arrays:
        for sample in range(package.golden_samples):
            outputs = one_call([arrays[f"output_{sample}_{index}"] for index in range(len(names))])
            found = detection_outputs(names, outputs, package.model.canvas)
            if found is not None:
                return {
                    "outputs": [names[index] for index in found.outputs],
                    "columns": list(found.columns),
                    "scale": list(found.scale),
                    "y_first": found.y_first,
                    "least": CONFIDENT,
                    "classes": _classes(package),
                }
    return None


def _classes(package: Package) -> dict[str, str]:
    """Return the name of each class by its number, in the way that the model was found to count."""
    result = package.baseline.result
    if package.data is None or result is None or result.accuracy is None:
        return {}
    way = result.accuracy.numbering
    return {str(numbers[way]): name for name, numbers in package.data.box_classes}
