"""Services of tiny models, generated, and asked within this process."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from starlette.testclient import TestClient

from core.domain.model import DataSet, SourceModel, TensorSpec
from core.domain.recipe import Recipe, Target
from core.domain.run import Candidate, CandidateStatus
from core.packagers.serving.fastapi import PACKAGER
from core.packagers.serving.options import ServiceParams
from core.protocols import LocalArtifact, Package, Packager
from core.search.recipe_files import dump
from tests.factories import model, result

TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
GENERATED = ("app", "serve", "client", "serving", "v2", "predict_pb2", "open_inference_pb2")
PICTURES = DataSet("d", "pets", (), ("x",), 2, 2, True, ("cat", "dog", "eel", "fox"), "images")


def save(path: Path, nodes: list[Any], source: SourceModel, weights: dict[str, Any]) -> Path:
    """Write an ONNX file of these nodes between the model's inputs and outputs."""
    made = [
        [helper.make_tensor_value_info(spec.name, TYPES[spec.dtype], spec.shape) for spec in specs]
        for specs in (source.inputs, source.outputs)
    ]
    kept = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", *made, initializer=kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def packaged(
    folder: Path,
    nodes: list[Any],
    source: SourceModel,
    weights: dict[str, Any],
    feed: dict[str, Any],
    data: DataSet | None = None,
    scale: float = 1.0,
) -> Package:
    """Return a package of a model with one golden sample; `scale` makes its outputs wrong."""
    folder.mkdir(parents=True)
    path = save(folder / "model.onnx", nodes, source, weights)
    outputs = onnxruntime.InferenceSession(str(path)).run(None, feed)
    golden = {f"input_0_{index}": value for index, value in enumerate(feed.values())}
    golden |= {f"output_0_{index}": value * np.float32(scale) for index, value in enumerate(outputs)}
    np.savez(folder / "golden.npz", **golden)
    recipe = Recipe((), Target("onnxruntime"))
    figures = result()
    rates = {1: 100.0, 2: 190.0, 4: 380.0, 8: 700.0, 16: 710.0}
    figures = replace(figures, timing=replace(figures.timing, throughput=rates))
    done = Candidate("c", "r", 1, "FP32 · test", recipe, CandidateStatus.DONE, result=figures)
    return Package(
        source,
        done,
        replace(done, position=0),
        LocalArtifact("onnx", path, (path,)),
        data,
        folder / "golden.npz",
        1,
        dump(recipe),
    )


def table(folder: Path, scale: float = 1.0, factor: float = 1.0) -> Package:
    """Return a classifier of tables: four numbers in, three scores out."""
    source = model(
        "onnx",
        name="table net",
        task="tabular-classification",
        classes=3,
        inputs=(TensorSpec("features", "float32", ("batch", 4)),),
        outputs=(TensorSpec("scores", "float32", ("batch", 3)),),
    )
    weights = {"w": factor * np.arange(12, dtype=np.float32).reshape(4, 3) / 12}
    nodes = [helper.make_node("MatMul", ["features", "w"], ["scores"])]
    feed = {"features": np.array([[1, 2, 3, 4]], np.float32)}
    data = DataSet("d", "table", (), ("features",), 2, 2, True, ("a", "b", "c"), "csv")
    return packaged(folder, nodes, source, weights, feed, data, scale)


def tokens(folder: Path) -> Package:
    """Return a model of two integer inputs of any length: which tokens, and which of them count."""
    source = model(
        "onnx",
        name="tokens",
        task="token-classification",
        classes=None,
        inputs=(
            TensorSpec("input_ids", "int64", ("batch", "length"), high=10),
            TensorSpec("attention_mask", "int64", ("batch", "length"), high=2),
        ),
        outputs=(TensorSpec("hidden", "float32", ("batch", "length")),),
        symbols={"batch": 1, "length": 4},
    )
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["seen"]),
        helper.make_node("Cast", ["seen"], ["hidden"], to=TensorProto.FLOAT),
    ]
    feed = {
        "input_ids": np.array([[1, 2, 3, 4]], np.int64),
        "attention_mask": np.array([[1, 1, 1, 0]], np.int64),
    }
    return packaged(folder, nodes, source, {}, feed)


def picture(folder: Path, large: bool = False) -> Package:
    """Return a classifier of pictures of 16 x 12 pixels or, if large, 300 numbers for each pixel."""
    shape = ("batch", 300, 16, 12) if large else ("batch", 4)
    source = model(
        "onnx",
        name="pets",
        task="image-segmentation" if large else "image-classification",
        classes=300 if large else 4,
        inputs=(TensorSpec("x", "float32", ("batch", 3, 16, 12)),),
        outputs=(TensorSpec("y", "float32", shape),),
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 3, 16, 12)).astype(np.float32)
    if large:
        weights = {"w": rng.standard_normal((300, 3, 1, 1)).astype(np.float32)}
        return packaged(folder, [helper.make_node("Conv", ["x", "w"], ["y"])], source, weights, {"x": x})
    weights = {"w": rng.standard_normal((576, 4)).astype(np.float32) / 24}
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])]
    return packaged(folder, nodes, source, weights, {"x": x}, PICTURES)


def unpacked(package: Package, params: ServiceParams, folder: Path, packager: Packager = PACKAGER) -> Path:
    """Write a service and unpack it; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    packager.write(package, folder / "service.zip", params)
    zipfile.ZipFile(folder / "service.zip").extractall(folder / "service")
    return folder / "service"


@contextmanager
def imported(folder: Path) -> Iterator[Any]:
    """Give the generated `app` of a folder; nothing of it stays imported."""
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] in GENERATED}
    for name in kept:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("app")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] in GENERATED]:
            del sys.modules[name]
        sys.modules.update(kept)


def wait_until_ready(client: TestClient) -> None:
    until = monotonic() + 120
    while client.get("/ready").json()["status"] == "loading":
        assert monotonic() < until, "the model is still being loaded"
        sleep(0.01)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a service within this process, and return its client."""
    open_now: list[Any] = []

    def start(package: Package, **options: Any) -> TestClient:
        folder = unpacked(package, ServiceParams(**options), tmp_path / "made")
        monkeypatch.setenv("SERVICE_STATE", str(tmp_path / "state"))
        context = imported(folder)
        app = context.__enter__()
        client = TestClient(app.app)
        client.__enter__()
        open_now.extend([client, context])
        wait_until_ready(client)
        client.folder = folder  # type: ignore[attr-defined]
        client.service = app.service  # type: ignore[attr-defined]
        return client

    yield start
    for each in open_now:
        each.__exit__(None, None, None)
