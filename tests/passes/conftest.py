"""One small residual network in every format, built once, and a bench to run passes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from core import params, registry
from core.architectures import build, identify
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.examples import example_feed, example_feeds
from core.graphs.tflite.interpreter import Runner, open_file
from core.graphs.torch.modules import flatten, open_module, quiet_torch
from core.passes.latency import RoughTime
from core.protocols import Array, Feed, LocalArtifact, PassContext, Trainer, Training, TrainingRows
from tests.passes import zoo

SHAPE = (3, 16, 16)
TRAINING_S = 3.0


@dataclass(frozen=True)
class Sample:
    """A model in one or several formats."""

    model: SourceModel
    artifacts: dict[str, LocalArtifact]


def artifact(format: str, *files: Path) -> LocalArtifact:
    return LocalArtifact(format, files[0], files)


def context(model: SourceModel, folder: Path, samples: int = 4, target: Target | None = None) -> PassContext:
    folder.mkdir(parents=True, exist_ok=True)
    return PassContext(model, folder, lambda: example_feeds(model, samples), seed=0, threads=1, target=target)


def apply(pass_id: str, sample: Sample, format: str, folder: Path, **values: Any) -> LocalArtifact:
    """Run and check a pass as the engine does."""
    chosen, before = registry.get_pass(pass_id), sample.artifacts[format]
    settings = params.make(chosen.Params, values)
    target = _target(chosen.produces[format]) if chosen.measures else None
    given = context(sample.model, folder, target=target)
    if isinstance(chosen, Trainer):
        given = replace(given, training=_training(sample, folder.with_name(f"{folder.name}-kept")))
    after = chosen.run(given, before, settings)
    chosen.ensures(before, after, settings)
    return after


def _training(sample: Sample, kept: Path) -> Training:
    """Return random rows to learn from, and a few seconds for it."""
    kept.mkdir()
    end, model = time.monotonic() + TRAINING_S, sample.model

    def batches(size: int, seed: int | None) -> Iterator[tuple[Feed, Array]]:
        for number in range(2):
            yield example_feed(model, size, (seed or 0) + number), np.arange(size) % (model.classes or 10)

    rows, teacher = TrainingRows(16, True, batches), sample.artifacts[model.format]
    return Training(rows, rows, teacher, kept, lambda: end - time.monotonic(), lambda *told: None)


def _target(format: str) -> Target:
    """Return one that opens the format or an export to ONNX, OpenVINO where it does."""
    opened = {format, "onnx"} if format in ("state_dict", "pt2") else {format}
    runs = [key for key, each in registry.runtimes().items() if opened & each.formats]
    return Target("openvino" if "openvino" in runs else runs[0])


def by_size(artifacts: list[LocalArtifact], given: PassContext) -> list[RoughTime]:
    """Stand in for the stopwatch, which varies: a network takes as long as its file is large."""
    sizes = [each.path.stat().st_size for each in artifacts]
    return [RoughTime(size / 1000, size / sizes[0], 0.0) for size in sizes]


def answer(built: LocalArtifact, model: SourceModel, batch: int = 1) -> list[Array]:
    """Return what the format's own runtime makes of an example."""
    from core.graphs.onnx import files as onnx_files
    from core.passes import openvino_files

    if built.format in ("onnx", "ort", "tensorrt"):
        return onnx_files.run(onnx_files.session(built.path), example_feed(model, batch))
    if built.format == "openvino":
        unused = Path()
        return openvino_files.outputs(
            built.path, PassContext(model, unused, lambda: iter(()), threads=1), batch
        )
    if built.format == "tflite":
        return Runner(open_file(built.path, 1)).run(list(example_feed(model, batch).values()))
    if built.format in ("ncnn", "pte"):
        runtime = next(each for each in registry.runtimes().values() if built.format in each.formats)
        return runtime.open(built, Target(runtime.id), model).run(example_feed(model, batch))
    feed = [torch.from_numpy(array) for array in example_feed(model, batch).values()]
    if built.format == "aotinductor":
        package = torch._inductor.aoti_load_package(str(built.path))
        return [tensor.float().numpy() for tensor in flatten(package(*feed))]
    with quiet_torch():
        return [tensor.numpy() for tensor in flatten(open_module(built, model)(*feed))]


def noise_db(expected: list[Array], actual: list[Array]) -> float:
    """Return the signal to noise ratio of `actual` in decibel."""
    signal = sum(float(np.sum(np.square(a, dtype=np.float64))) for a in expected)
    noise = sum(
        float(np.sum(np.square(a - b, dtype=np.float64))) for a, b in zip(expected, actual, strict=True)
    )
    return float(10 * np.log10(signal / max(noise, 1e-300)))


def _network() -> tuple[torch.nn.Module, dict[str, Any]]:
    from core.architectures.networks.cifar_resnet import CifarResNet

    torch.manual_seed(0)
    network = CifarResNet([2, 1, 1], [16, 32, 64], 3, 10).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # as trained ones are: not the identity
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, std=0.1)
    found = identify({key: tuple(value.shape) for key, value in network.state_dict().items()})
    assert type(build(found)) is CifarResNet
    return network, asdict(found)


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The network as state dict, pt2, TorchScript, ONNX and OpenVINO files."""
    import openvino as ov
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("resnet")
    network, described = _network()
    float32 = "float32"
    model = zoo.source({"input": (float32, ("b", *SHAPE))}, {"output": (float32, ("b", 10))}, "state_dict")
    model = replace(model, architecture=described)
    example = (torch.randn(2, *SHAPE),)
    save_file(network.state_dict(), str(folder / "model.safetensors"))
    with quiet_torch():
        program = torch.export.export(
            network, example, dynamic_shapes=({0: torch.export.Dim("b", min=1, max=64)},)
        )
        torch.export.save(program, str(folder / "model.pt2"))
        torch.jit.save(torch.jit.trace(network, example), str(folder / "model.pt"))
    made = {
        "state_dict": artifact("state_dict", folder / "model.safetensors"),
        "pt2": artifact("pt2", folder / "model.pt2"),
        "torchscript": artifact("torchscript", folder / "model.pt"),
    }
    sample = Sample(model, made)
    made["onnx"] = apply("export_onnx", sample, "state_dict", folder / "onnx")
    ov.save_model(
        ov.Core().read_model(str(made["onnx"].path)), str(folder / "model.xml"), compress_to_fp16=False
    )
    made["openvino"] = artifact("openvino", folder / "model.xml", folder / "model.bin")
    return sample


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """Hand-made ONNX graphs by name, and some in other formats."""
    folder = tmp_path_factory.mktemp("graphs")
    made = {**zoo.ONNX_MAKERS, "nothing": zoo.nothing_to_quantize, "trees": zoo.trees}
    made |= {"steered": zoo.steered, "double": zoo.double, "products": zoo.products}
    found = {name: maker(folder / f"{name}.onnx") for name, maker in made.items()}
    samples = {name: Sample(model, {"onnx": artifact("onnx", path)}) for name, (path, model) in found.items()}
    path, model = zoo.low_rank(folder / "low_rank.pt2")
    flat, small = zoo.perceptron(folder / "perceptron.tflite")
    samples["perceptron"] = Sample(small, {"tflite": artifact("tflite", flat)})
    return samples | {"low_rank": Sample(model, {"pt2": artifact("pt2", path)})}


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """PyTorch networks of many kinds, as pt2 files and exported to ONNX."""
    made = {}
    for name, (module, model) in zoo.torch_models().items():
        folder = tmp_path_factory.mktemp(name)
        feed = example_feed(model, 2)
        shapes = tuple(
            {axis: torch.export.Dim.DYNAMIC for axis, size in enumerate(spec.shape) if isinstance(size, str)}
            for spec in model.inputs
        )
        with quiet_torch():
            example = tuple(torch.from_numpy(array) for array in feed.values())
            torch.export.save(
                torch.export.export(module, example, dynamic_shapes=shapes), str(folder / "m.pt2")
            )
        sample = Sample(replace(model, format="pt2"), {"pt2": artifact("pt2", folder / "m.pt2")})
        sample.artifacts["onnx"] = apply("export_onnx", sample, "pt2", folder / "onnx")
        made[name] = sample
    return made


def op_types(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(str(path)).graph.node}
