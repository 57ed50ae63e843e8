from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.bench.timing.endpoint import Endpoint
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact

WIDTH = 192
Chain = Callable[[int], Endpoint]

MODEL = SourceModel(
    id="m", name="chain", format="onnx", files=(), sha256="",
    inputs=(TensorSpec("x", "float32", ("batch", WIDTH)),),
    outputs=(TensorSpec("y", "float32", ("batch", WIDTH)),),
    symbols={"batch": 1}, batch_symbol="batch", parameters=WIDTH**2, macs=None, size_bytes=1, classes=WIDTH,
)  # fmt: skip


def write_chain(path: Path, links: int) -> None:
    """Write a graph of `links` equal matrix products, which takes time in proportion."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    weight = np.linalg.qr(np.random.default_rng(0).standard_normal((WIDTH, WIDTH)))[0].astype(np.float32)
    names = ["x", *(f"t{index}" for index in range(links - 1)), "y"]
    nodes = [helper.make_node("MatMul", [a, "w"], [b]) for a, b in pairwise(names)]
    ports = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", WIDTH])] for n in ("x", "y")]
    graph = helper.make_graph(nodes, "chain", *ports, initializer=[numpy_helper.from_array(weight, "w")])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def read_golden(path: Path, model: SourceModel) -> tuple[list[Feed], list[list[Array]]]:
    """Return the feeds, by the model's input names, and outputs of a file of golden samples."""
    found: dict[str, dict[int, dict[int, Array]]] = {"input": {}, "output": {}}
    with np.load(path, allow_pickle=False) as arrays:
        for name, array in arrays.items():
            kind, sample, index = name.split("_")
            found[kind].setdefault(int(sample), {})[int(index)] = array
    inputs, outputs = (
        [[row[at] for at in sorted(row)] for _, row in sorted(found[kind].items())] for kind in found
    )
    names = [spec.name for spec in model.inputs]
    return [dict(zip(names, row, strict=True)) for row in inputs], outputs


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Return a function that gives a chain of matrix products on ONNX Runtime."""
    folder = tmp_path_factory.mktemp("chains")

    @cache
    def make(links: int) -> Endpoint:
        path = folder / f"{links}.onnx"
        write_chain(path, links)
        return Endpoint(LocalArtifact("onnx", path, (path,)), Target("onnxruntime", batch=16), MODEL)

    return make


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a data set of 21 rows, which no batch of 16 divides."""
    data = np.random.default_rng(3).standard_normal((21, WIDTH)).astype(np.float32)
    for part, count in (("calibration", 2), ("evaluation", 21)):
        (tmp_path / "data" / part).mkdir(parents=True)
        np.save(tmp_path / "data" / part / "0.npy", data[:count])
    return tmp_path / "data"
