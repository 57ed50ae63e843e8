"""Error layer by layer, of networks one layer of which is made worse on purpose."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

from core.bench.quality.layer_errors import (
    MODEL,
    ORIGINAL,
    LayerErrorsRequest,
    compare_layers,
    paired,
)
from core.domain.layer_errors import LayerErrors
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Artifact, Target
from core.errors import RuntimeFailed
from core.protocols import Array, Tensor
from core.store.blobs import Blobs
from core.work.unit import Job

WIDTH = 32
SOURCE = SourceModel(
    id="m", name="net", format="onnx", files=(), sha256="",
    inputs=(TensorSpec("x", "float32", ("batch", WIDTH)),),
    outputs=(TensorSpec("y", "float32", ("batch", WIDTH)),),
    symbols={"batch": 1}, batch_symbol="batch", parameters=WIDTH**2, macs=None, size_bytes=1,
)  # fmt: skip
NAMES = ("x", "a", "b", "c", "y")
Weights = Callable[[int, Array], Array]


def write(path: Path, changed: Weights, names: tuple[str, ...] = NAMES) -> Path:
    """Write four products, the weights of each as `changed` returns them."""
    generator = np.random.default_rng(0)
    weights = [
        changed(at, np.linalg.qr(generator.standard_normal((WIDTH, WIDTH)))[0].astype(np.float32))
        for at in range(4)
    ]
    nodes = [helper.make_node("MatMul", [a, f"w{at}"], [b], b) for at, (a, b) in enumerate(pairwise(names))]
    ports = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", WIDTH])] for n in (names[0], names[-1])
    ]
    held = [numpy_helper.from_array(each, f"w{at}") for at, each in enumerate(weights)]
    graph = helper.make_graph(nodes, "g", *ports, initializer=held)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def compared(folder: Path, changed: Weights, runtime: str, names: tuple[str, ...] = NAMES) -> LayerErrors:
    files = {
        ORIGINAL: write(folder / ORIGINAL / "model.onnx", lambda _, each: each),
        MODEL: write(folder / MODEL / "model.onnx", changed, names),
    }
    blobs = Blobs(folder / "blobs")
    original, built = (Artifact(name, None, None, "onnx", (blobs.add(path),)) for name, path in files.items())
    asked = LayerErrorsRequest(SOURCE, original, built, Target(runtime), "int8_static_ort")
    job = Job(folder / "out", inputs={name: path.parent for name, path in files.items()})
    return compare_layers(asked, job).values


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_the_layer_that_was_made_worse_is_where_the_error_grows(tmp_path: Path, runtime: str) -> None:
    found = compared(tmp_path, lambda at, each: 1.1 * each if at == 2 else each, runtime)
    assert [each.name for each in found.layers] == ["a", "b", "c", "y"]
    a, b, c, y = found.layers
    assert a.error == b.error == 0
    assert c.percent == pytest.approx(10, rel=1e-3)
    assert c.sqnr_db == pytest.approx(20, abs=0.01)
    assert y.percent == pytest.approx(10, rel=1e-3)
    assert y.grown == pytest.approx(0, abs=1e-6)
    assert max(found.layers, key=lambda each: each.grown) is c
    assert found.rows == 8
    assert found.random
    assert all(each.reach is not None and 1 < each.reach < 6 for each in found.layers)


def test_a_value_that_only_one_has_passes_on_the_error_in_front_of_it(tmp_path: Path) -> None:
    names = ("x", "a", "?", "c", "y")
    found = compared(tmp_path, lambda at, each: 1.1 * each if at == 0 else each, "onnxruntime", names)
    assert [each.name for each in found.layers] == ["a", "c", "y"]
    assert found.alone == 1
    assert found.layers[1].before == found.layers[0].error > 0


def test_networks_without_a_layer_in_common_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match="counterpart"):
        compared(tmp_path, lambda _, each: each, "onnxruntime", ("x", "1", "2", "3", "4"))


def test_values_are_paired_once_by_any_of_their_names() -> None:
    def tensor(position: int, *names: str) -> Tensor:
        return Tensor(position, names[0], "Conv", frozenset(names))

    ours = [tensor(0, "a", "conv"), tensor(1, "b")]
    theirs = [tensor(5, "conv"), tensor(6, "a"), tensor(7, "b", "x"), tensor(8, "z")]
    assert [(one.position, other.position) for one, other in paired(ours, theirs)] == [(0, 5), (1, 7)]
