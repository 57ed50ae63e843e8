"""litert-torch, whose dependencies clash with ours, in an environment of its own: a real export."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.engine import add_model
from core.engine.building import Builder
from core.examples import example_feed
from core.formats.check import check_artifact
from core.protocols import LocalArtifact
from core.registry import get_runtime
from core.search.paths import path_to
from core.store.store import Store
from core.toolchains.environments import State, folder_of, remove, state_of
from core.toolchains.lists import get_toolchain
from core.work.stop import Stop
from core.work.unit import Progress
from tests.passes.conftest import noise_db


def index_reached() -> bool:
    """Whether a package can be had from an index."""
    ask = [find_uv_bin(), "pip", "install", "--dry-run", "--no-cache", "--reinstall", "--no-deps"]
    return not subprocess.run([*ask, "--python", sys.executable, "msgspec"], capture_output=True).returncode


def packages() -> dict[str, str]:
    return {each.name: each.version for each in importlib.metadata.distributions()}


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store() as opened:
        yield opened


@pytest.fixture
def program(store: Store, tmp_path: Path) -> SourceModel:
    """Return a small network that takes an image and a whole number, exported with a symbolic batch."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 8, 3, padding=1)
            self.embedding = torch.nn.Embedding(5, 8)
            self.linear = torch.nn.Linear(8, 10)

        def forward(self, image: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
            seen = self.convolution(image).relu().mean((2, 3))
            result: torch.Tensor = self.linear(seen + self.embedding(kind))
            return result

    example = (torch.randn(2, 3, 16, 16), torch.randint(0, 5, (2,)))
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    made = torch.export.export(Network().eval(), example, dynamic_shapes=(batch, batch))
    torch.export.save(made, str(tmp_path / "network.pt2"))
    return add_model(store, tmp_path / "network.pt2")


def build(store: Store, model: SourceModel, heard: list[Progress], *steps: Step, end: str = "") -> Artifact:
    builder = Builder(
        store, model, None, 0, Stop(), lambda _: None, lambda *_: None, on_progress=heard.append
    )
    path = path_to(model.format, steps, get_runtime("litert"), end)
    assert path is not None
    return builder.build(Recipe(path, Target("litert")))


def noise_of(store: Store, model: SourceModel, built: Artifact, folder: Path) -> float:
    """Return the decibel of LiteRT's outputs above their difference from the uploaded network."""
    paths = store.blobs.lay_out(built.files, folder / built.id)
    feed = example_feed(model, seed=3)
    file = LocalArtifact(built.format, paths[0], tuple(paths), built.options)
    found = get_runtime("litert").open(file, Target("litert"), model).run(feed)
    (original,) = store.blobs.lay_out(model.files, folder / model.id)
    source = LocalArtifact(model.format, original, (original,))
    runtime = get_runtime("pytorch" if model.format == "pt2" else "onnxruntime")
    return noise_db(runtime.open(source, Target(runtime.id), model).run(feed), found)


def exported(program: SourceModel, store: Store, path: Path) -> Path:
    """Return the network as an ONNX file."""
    builder = Builder(store, program, None, 0, Stop(), lambda _: None, lambda *_: None)
    made = builder.build(Recipe((Step("export_onnx"),), Target("onnxruntime")))
    shutil.copy(store.blobs.path(made.files[0].sha256), path)
    return path


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_program_becomes_a_tflite_file_in_an_environment_of_its_own(
    store: Store, program: SourceModel, tmp_path: Path
) -> None:
    if not index_reached():
        pytest.skip("no package index is reached, so the environment cannot be made")
    before, toolchain = packages(), get_toolchain("litert")
    heard: list[Progress] = []
    built = build(store, program, heard)
    assert any("litert-torch" in each.message for each in heard)
    assert state_of(toolchain) is State.READY
    assert packages() == before
    assert built.format == "tflite"
    assert built.details["difference"] < 1e-3
    (file,) = store.blobs.lay_out(built.files, tmp_path / "out")
    check_artifact("tflite", (file,))
    assert build(store, program, heard) == built
    tries = {
        60.0: (Step("export_litert", {"channels_last": True}),),
        50.0: (Step("fp16_litert"),),
        25.0: (Step("int8_dynamic_litert"),),
        20.0: (Step("int8_static_litert"),),
        19.0: (Step("int8_static_litert", {"integer_ends": True}),),
    }
    for least, steps in tries.items():
        assert noise_of(store, program, build(store, program, heard, *steps), tmp_path) > least
    onnx = add_model(store, exported(program, store, tmp_path / "network.onnx"))
    assert noise_of(store, onnx, build(store, onnx, heard, end="tflite"), tmp_path) > 60
    remove(toolchain)
    assert not folder_of(toolchain).exists()
