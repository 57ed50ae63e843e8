"""ncnn's files: several inputs and outputs, what it lacks named, other outputs refused, FP16 weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import params
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import PassFailed, PassNotApplicable, RuntimeFailed
from core.examples import example_feed
from core.graphs import ncnn as graphs
from core.graphs.torch.modules import quiet_torch
from core.passes.conversion import export_ncnn, pnnx
from core.protocols import Array, LocalArtifact
from core.registry import get_pass, get_runtime
from tests.factories import ENVIRONMENT
from tests.passes import zoo
from tests.passes.conftest import Sample, apply, artifact

SAMPLE = Path(__file__).parents[3] / "sample_models" / "digits-resnet" / "model.pt2"


class Several(nn.Module):
    """A picture and token ids in; scores and a feature map out."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Hardswish())
        self.table, self.head = nn.Embedding(11, 8), nn.Linear(8, 5)

    def forward(self, image: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen = self.look(image)
        return self.head(seen.mean((2, 3)) + self.table(ids).mean(1)), seen


class Turned(nn.Module):
    """Something that ncnn has no layer for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cummax(x, 1)[0]


def exported(module: nn.Module, model: SourceModel, folder: Path, batch: int = 2) -> Sample:
    example = tuple(torch.from_numpy(array) for array in example_feed(model, batch).values())
    shapes = tuple({0: torch.export.Dim("b", min=1, max=64)} for _ in example) if batch > 1 else None
    with quiet_torch():
        torch.export.save(
            torch.export.export(module.eval(), example, dynamic_shapes=shapes), folder / "m.pt2"
        )
    return Sample(model, {"pt2": artifact("pt2", folder / "m.pt2")})


@pytest.fixture
def several(tmp_path: Path) -> Sample:
    torch.manual_seed(0)
    inputs = {"image": ("float32", ("b", 3, 16, 16)), "ids": ("int64", ("b", 4))}
    outputs = {"scores": ("float32", ("b", 5)), "seen": ("float32", ("b", 8, 8, 8))}
    return exported(Several(), zoo.source(inputs, outputs, "pt2", high=11), tmp_path)


def run(runtime: str, built: LocalArtifact, sample: Sample, batch: int, seed: int = 5) -> list[Array]:
    session = get_runtime(runtime).open(built, Target(runtime), sample.model)
    return session.run(example_feed(sample.model, batch, seed))


def test_several_inputs_and_outputs_and_any_batch_where_ncnn_answers_it(
    several: Sample, tmp_path: Path
) -> None:
    built = apply("export_ncnn", several, "pt2", tmp_path / "out")
    assert built.details["largest_batch"] == 0
    for batch in (1, 4):
        expected = run("pytorch", several.artifacts["pt2"], several, batch)
        for found, wanted in zip(run("ncnn", built, several, batch), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_where_it_answers_one_sample_only_others_are_refused(
    several: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_ncnn, "distance", lambda *_: 1.0)
    built = apply("export_ncnn", several, "pt2", tmp_path / "out")
    assert built.details["largest_batch"] == 1
    run("ncnn", built, several, 1)
    with pytest.raises(RuntimeFailed, match="one sample a call, not 3"):
        run("ncnn", built, several, 3)


def test_fp16_weights_take_half_the_room(resnet: Sample, tmp_path: Path) -> None:
    whole = apply("export_ncnn", resnet, "pt2", tmp_path / "whole")
    half = apply("export_ncnn", resnet, "pt2", tmp_path / "half", fp16=True)
    assert half.files[1].stat().st_size < 0.6 * whole.files[1].stat().st_size
    found, wanted = (run("ncnn", each, resnet, 1)[0] for each in (half, whole))
    assert 0 < np.abs(found - wanted).max() < 0.03 * np.abs(wanted).max()


def test_an_operator_that_ncnn_lacks_is_named(tmp_path: Path) -> None:
    model = zoo.source({"x": ("float32", ("b", 8))}, {"y": ("float32", ("b", 8))}, "pt2")
    with pytest.raises(PassNotApplicable, match="cummax"):
        apply("export_ncnn", exported(Turned(), model, tmp_path), "pt2", tmp_path / "out")


def test_other_outputs_are_no_success(
    several: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = graphs.Network.run
    monkeypatch.setattr(graphs.Network, "run", lambda *given: [each + 1 for each in right(*given)])
    with pytest.raises(PassFailed, match="On ncnn the outputs differ"):
        apply("export_ncnn", several, "pt2", tmp_path / "out")


def test_a_program_that_checks_the_symbols_of_its_sizes_is_traced(tmp_path: Path) -> None:
    model = zoo.source({"x": ("float32", ("b", 1, 32, 32))}, {"y": ("float32", ("b", 10))}, "pt2")
    sample = Sample(model, {"pt2": artifact("pt2", SAMPLE)})
    assert apply("export_ncnn", sample, "pt2", tmp_path / "out").details["difference"] < 1e-3


def test_a_fixed_batch_of_several_is_refused_before_any_work(several: Sample) -> None:
    technique = get_pass("export_ncnn")
    inputs = tuple(replace(each, shape=(4, *each.shape[1:])) for each in several.model.inputs)
    model = replace(several.model, inputs=inputs, batch_symbol=None)
    with pytest.raises(PassNotApplicable, match="4 samples a call"):
        technique.requires(model, ENVIRONMENT, params.make(technique.Params, {}))


def test_a_converter_that_crashes_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pnnx"
    program.write_text("#!/bin/sh\necho '############# pass_ncnn'\nkill -SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(pnnx, "converter", lambda: program)
    with pytest.raises(PassFailed, match="could not convert the model: it crashed with signal 11"):
        pnnx.convert(tmp_path / "m.pt", [], False, "Take ONNX.")
