"""Evidence of a run: pixel range, classes and detections, told by the outputs of any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.sources.dynamic_axes import Shape, with_changing_rows
from core.sources.pixel_range import Call, with_pixel_range
from core.sources.probe import Settled, feed_of
from core.sources.task_inference import tells_of_classes, tells_of_detections


def seen_in_outputs(settled: Settled, run: Call, declared: Sequence[Shape]) -> Settled:
    """Return `settled` with what its outputs tell at the example shape.

    Args:
        settled: Of a model that was run.
        run: Returns the outputs on a feed, as arrays.
        declared: Shape of each output as the file records it, None or a name for each open size.
    """
    sizes = settled.sizes | ({settled.batch: 1} if settled.batch else {})
    inputs, names = with_pixel_range(settled.inputs, sizes, run), [spec.name for spec in settled.outputs]
    outputs = run(feed_of(inputs, sizes))
    detects = tells_of_detections(inputs, outputs, names)
    specs = with_changing_rows(settled.outputs, declared, settled.sizes) if detects else settled.outputs
    told = tells_of_classes(outputs, names)
    return replace(settled, inputs=inputs, outputs=specs, classifies=told, detects=detects)
