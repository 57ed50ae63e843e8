from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from core.examples import example_feed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.protocols import Array, Feed
from core.pruning.dependency_groups import Keep
from core.pruning.onnx import bias_correction, channels, tensor_shapes
from core.pruning.onnx.weights import write
from core.pruning.propagation import Tracer
from core.pruning.selection import PruningRule
from tests.passes import zoo
from tests.pruning.conftest import Network
from tests.pruning.masks import masked


def traced(path: Path, feeds: list[Feed], work: Path) -> tuple[onnx.ModelProto, Tracer]:
    model = onnx_files.load(path)
    onnx_edits.drop_weight_inputs(model)
    constants = tensor_shapes.constants(model)
    shapes, values = tensor_shapes.shapes_and_values(model, feeds[0], work)
    later, _ = tensor_shapes.shapes_and_values(model, feeds[1], work)
    return model, channels.trace(model, constants, shapes, values, later)


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(model.SerializeToString())


def silenced(model: onnx.ModelProto, tracer: Tracer, keep: Keep) -> onnx.ModelProto:
    arrays = masked(tracer, keep)
    for tensor in model.graph.initializer:
        if tensor.name in arrays:
            write(tensor, arrays[tensor.name])
    return model


def run(model: onnx.ModelProto, feed: Feed) -> Array:
    return onnx_files.run(onnx_files.session(model.SerializeToString()), feed)[0]


def cut_is_zeroed(path: Path, feeds: list[Feed], work: Path) -> None:
    model, tracer = traced(path, feeds, work)
    whole = copied(model)
    keep = channels.prune(model, tracer, PruningRule(0.4, round_to=2))
    assert keep is not None
    onnx.checker.check_model(model, full_check=True)
    sizes = [channels.parameters(tensor_shapes.constants(each)) for each in (model, whole)]
    assert sizes[0] < 0.95 * sizes[1]
    zeroed = silenced(copied(whole), tracer, keep)
    for feed in feeds:
        np.testing.assert_allclose(run(model, feed), run(zeroed, feed), atol=1e-5)
        assert np.abs(run(model, feed) - run(whole, feed)).max() > 1e-3


def test_cutting_equals_zeroing(network: Network, tmp_path: Path) -> None:
    cut_is_zeroed(network.onnx, [{"x": network.example(batch).numpy()} for batch in (2, 3)], tmp_path)


@pytest.mark.parametrize("name", ["opset7", "opset9", "opset11", "channels_last"])
def test_graphs_of_other_exporters(name: str, tmp_path: Path) -> None:
    path, model = zoo.ONNX_MAKERS[name](tmp_path / "m.onnx")
    cut_is_zeroed(path, [example_feed(model, batch) for batch in (2, 3)], tmp_path)


def test_corrected_statistics_come_closer_to_the_original(network: Network, tmp_path: Path) -> None:
    feeds = [{"x": network.example(batch).numpy()} for batch in (2, 3)]
    model, tracer = traced(network.onnx, feeds, tmp_path)
    whole = copied(model)
    keep = channels.prune(model, tracer, PruningRule(0.4, round_to=2))
    assert keep is not None
    other = {"x": np.random.default_rng(3).standard_normal((64, *network.shape)).astype(np.float32)}
    expected, before = run(whole, other), run(model, other)
    samples = {"x": network.example(64).numpy()}
    assert bias_correction.reestimate(whole, model, tracer, keep, samples, tmp_path) >= 3
    onnx.checker.check_model(model, full_check=True)
    assert np.square(run(model, other) - expected).mean() < np.square(before - expected).mean()


def test_reduced_channels_and_outputs_stay(tmp_path: Path) -> None:
    path, model = zoo.nothing_to_quantize(tmp_path / "m.onnx")
    graph, tracer = traced(path, [example_feed(model, batch) for batch in (2, 3)], tmp_path)
    assert channels.prune(graph, tracer, PruningRule(0.5)) is None
    assert not tracer.layer_weights
