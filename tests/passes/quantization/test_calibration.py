"""Calibration that streams, and whose statistics are found once."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.examples import example_feeds
from core.params import make
from core.passes.openvino_files import read
from core.passes.quantization.calibration import CalibrationFeeds
from core.passes.quantization.nncf_quantize import quantized
from core.passes.quantization.ranges.clipping import METHODS
from core.passes.quantization.ranges.histogram import Histogram
from core.protocols import Feed, PassContext
from core.registry import get_pass
from tests.passes.conftest import Sample, context

SAMPLES = 24


class Data:
    """Calibration data that know how often they were read, and how many samples are held at once."""

    def __init__(self, sample: Sample) -> None:
        self._sample, self._living, self.passes, self.most = sample, 0, 0, 0

    def __call__(self) -> Iterator[Feed]:
        self.passes += 1
        for feed in example_feeds(self._sample.model, SAMPLES):
            for array in feed.values():
                self._living += 1
                weakref.finalize(array, self._gone)
            self.most = max(self.most, self._living)
            yield feed

    def _gone(self) -> None:
        self._living -= 1

    def context(self, folder: Path, statistics: Path | None = None) -> PassContext:
        return replace(context(self._sample.model, folder), calibration=self, statistics=statistics)


@pytest.mark.parametrize(
    ("pass_id", "method"),
    [("int8_static_ort", "minmax"), ("int8_static_ort", "mse"), ("int8_static_nncf", "auto")],
)
def test_samples_are_held_one_at_a_time(pass_id: str, method: str, resnet: Sample, tmp_path: Path) -> None:
    data, technique = Data(resnet), get_pass(pass_id)
    settings = make(technique.Params, {"calibration": method})
    built = technique.run(data.context(tmp_path), resnet.artifacts["onnx"], settings)
    assert built.details["samples"] == SAMPLES
    assert data.most <= 3


def test_what_needs_the_same_statistics_reads_the_data_once(resnet: Sample, tmp_path: Path) -> None:
    data, technique, shared = Data(resnet), get_pass("int8_static_ort"), tmp_path / "shared"
    shared.mkdir()

    def read_for(name: str, **values: object) -> int:
        before, settings = data.passes, make(technique.Params, values)
        technique.run(data.context(tmp_path / name, shared), resnet.artifacts["onnx"], settings)
        return data.passes - before

    looks = 2  # whether there is anything, and how much
    assert read_for("first", calibration="mse") == looks + 1
    assert read_for("other ranges of them", calibration="entropy") == looks
    assert read_for("other layers", calibration="mse", keep_float="first_last") == looks
    assert read_for("least and largest", symmetric=True) == looks + 1
    assert read_for("again", reduce_range=True) == looks
    assert read_for("fewer", samples=3) == looks + 1


@pytest.mark.parametrize("method", ["entropy", "mse"])
def test_nncf_takes_the_ranges_of_our_methods(method: str, resnet: Sample, tmp_path: Path) -> None:
    given = context(resnet.model, tmp_path)
    feeds = CalibrationFeeds(given, 4)
    model = read(resnet.artifacts["onnx"].path, resnet.model).clone()
    made = quantized(model, feeds, preset="mixed", ranges=method, compress=False)
    first = next(node for node in made.get_ordered_ops() if node.get_type_name() == "FakeQuantize")
    assert first.input_value(0).get_node().get_type_name() == "Parameter"
    seen = Histogram()
    for feed in feeds:
        seen.add(next(iter(feed.values())))
    low, high = METHODS[method](seen)
    found = [float(first.input_value(port).get_node().data.ravel()[0]) for port in (1, 2)]
    assert found == pytest.approx([low, high], rel=0.02)
