"""Small domain values for the store's tests."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from core.domain.measurement import Environment, Interval, Latency, Timing
from core.domain.model import DataSet, FileRef, SourceModel, TensorSpec
from core.domain.quality import Fidelity
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.domain.run import Candidate, Result, RunRequest
from core.serde import digest
from core.store import Blobs, Store


def stored(blobs: Blobs, content: bytes, name: str) -> FileRef:
    """Store `content` under the relative `name`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        path.write_bytes(content)
        return blobs.add(path, name)


def a_model(store: Store, text: bytes = b"weights") -> SourceModel:
    file = stored(store.blobs, text, "model.onnx")
    spec = TensorSpec("x", "float32", ("batch", 4))
    model = SourceModel(
        digest(file.sha256),
        "net",
        "onnx",
        (file,),
        file.sha256,
        (spec,),
        (),
        {"batch": 1},
        "batch",
        12,
        None,
        7,
    )
    return store.models.add(model)


def a_data_set(store: Store, text: bytes = b"rows") -> DataSet:
    file = stored(store.blobs, text, "calibration/0.npy")
    return store.data.add(DataSet(digest(file.sha256, "data"), "rows", (file,), ("x",), 8, 2, False))


def a_request(store: Store, data: bool = False) -> RunRequest:
    return RunRequest(a_model(store).id, a_data_set(store).id if data else None)


def some_candidates(store: Store, count: int) -> list[Candidate]:
    run_id = store.runs.new_id()
    recipes = [Recipe((Step("int8", {"n": n}),), Target("onnxruntime")) for n in range(count)]
    return [
        Candidate(digest(run_id, recipe), run_id, n, f"INT8 {n}", recipe) for n, recipe in enumerate(recipes)
    ]


def an_artifact(store: Store, model: SourceModel, text: bytes) -> Artifact:
    file = stored(store.blobs, text, "model.onnx")
    return Artifact(digest(model.id, file.sha256), model.id, Step("int8", {"bits": 8}), "onnx", (file,))


def a_result() -> Result:
    latency = Latency(1.5, 2.0, None, None, 1.6, 30, 1.4, 1.6)
    machine = Environment("cpu", ("avx2",), 2, 1 << 30, "", "linux", "3.11", {"onnx": "1"})
    speedup = Interval(1.5, 1.4, 1.6)
    timing = Timing(
        latency, latency, speedup, 5, False, (1.0, 2.0), {1: 10.0, 8: 60.5}, 1000, 3.0, 1.0, machine
    )
    return Result(timing, None, Fidelity(None, None, 0.0, 4), 123)
