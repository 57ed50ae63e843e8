"""ExecuTorch programs: a free batch where the network allows it, what XNNPACK leaves, quantized layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.formats.check import check_artifact
from core.passes.conversion import export_executorch
from core.protocols import Array, LocalArtifact
from core.registry import get_runtime
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact

pytestmark = pytest.mark.slow


class Tokens(nn.Module):
    """Token ids and a picture in; a table of vectors, a convolution and attention; two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 16)
        self.look = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.attend = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=0.0)
        self.answer = nn.Linear(16, 5)

    def forward(self, ids: torch.Tensor, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen = self.look(image).relu()
        mixed = self.attend(self.table(ids)) + seen.mean((2, 3))[:, None]
        return self.answer(mixed.mean(1)), seen


def program(module: nn.Module, model: SourceModel, folder: Path, free: bool = True) -> Sample:
    torch.backends.mha.set_fastpath_enabled(False)
    feed = example_feed(model, 2 if free else 1)
    example = tuple(torch.from_numpy(array) for array in feed.values())
    shapes = tuple({0: torch.export.Dim("b", min=1, max=64)} for _ in example) if free else None
    torch.export.save(torch.export.export(module.eval(), example, dynamic_shapes=shapes), folder / "m.pt2")
    return Sample(model, {"pt2": artifact("pt2", folder / "m.pt2")})


@pytest.fixture
def tokens(tmp_path: Path) -> Sample:
    torch.manual_seed(0)
    inputs = {"ids": ("int64", ("b", 7)), "image": ("float32", ("b", 3, 16, 16))}
    outputs = {"scores": ("float32", ("b", 5)), "seen": ("float32", ("b", 16, 8, 8))}
    return program(Tokens(), zoo.source(inputs, outputs, "pt2"), tmp_path)


def run(built: LocalArtifact, sample: Sample, batch: int) -> list[Array]:
    return (
        get_runtime("executorch")
        .open(built, Target("executorch"), sample.model)
        .run(example_feed(sample.model, batch, 3))
    )


def wanted(sample: Sample, batch: int) -> list[Array]:
    return (
        get_runtime("pytorch")
        .open(sample.artifacts["pt2"], Target("pytorch"), sample.model)
        .run(example_feed(sample.model, batch, 3))
    )


def test_it_takes_any_batch_up_to_the_largest(tokens: Sample, tmp_path: Path) -> None:
    built = apply("export_executorch", tokens, "pt2", tmp_path / "out", largest_batch=4)
    check_artifact("pte", built.files)
    assert built.details["largest_batch"] == 4
    assert built.details["batches"] == [1, 3]
    for batch in (1, 4):
        for found, expected in zip(run(built, tokens, batch), wanted(tokens, batch), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(Exception, match="ExecuTorch could not run"):
        run(built, tokens, 5)


def test_what_xnnpack_does_not_compute_is_told(tokens: Sample, tmp_path: Path) -> None:
    built = apply("export_executorch", tokens, "pt2", tmp_path / "out")
    assert built.details["delegates"] >= 1
    assert built.details["operators"]["embedding"] == 1


def test_static_int8_is_quantized_where_xnnpack_has_kernels(resnet: Sample, tmp_path: Path) -> None:
    quantized = apply("int8_static_xnnpack", resnet, "pt2", tmp_path / "int8")
    assert quantized.details["quantized"] > 5
    assert not quantized.details["float"]
    sample = Sample(resnet.model, {"pt2": quantized})
    built = apply("export_executorch", sample, "pt2", tmp_path / "out")
    plain = apply("export_executorch", resnet, "pt2", tmp_path / "plain")
    assert built.path.stat().st_size < 0.5 * plain.path.stat().st_size
    assert built.details["allowed"] == export_executorch.ROUNDED
    found, expected = answer(built, resnet.model)[0], answer(plain, resnet.model)[0]
    assert 0 < np.abs(found - expected).max() < 0.5 * np.abs(expected).max()


def test_dynamic_int8_of_linear_layers(tmp_path: Path) -> None:
    path, model = zoo.low_rank(tmp_path / "low_rank.pt2")
    quantized = apply(
        "int8_dynamic_xnnpack", Sample(model, {"pt2": artifact("pt2", path)}), "pt2", tmp_path / "int8"
    )
    built = apply("export_executorch", Sample(model, {"pt2": quantized}), "pt2", tmp_path / "out")
    assert built.path.stat().st_size < 0.5 * path.stat().st_size


def test_convolutions_alone_are_no_work_for_dynamic_int8(resnet: Sample, tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable, match="Matrix products hold"):
        apply("int8_dynamic_xnnpack", resnet, "pt2", tmp_path)


def test_an_operator_that_the_runtime_lacks_is_named(
    resnet: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_executorch, "missing_operators", lambda _: ["aten::made_up.out"])
    with pytest.raises(PassNotApplicable, match=r"aten::made_up\.out"):
        apply("export_executorch", resnet, "pt2", tmp_path)


def test_other_outputs_are_no_success(
    resnet: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = export_executorch.arrays_of
    monkeypatch.setattr(export_executorch, "arrays_of", lambda found: [each + 1 for each in right(found)])
    with pytest.raises(PassFailed, match="On ExecuTorch the outputs differ"):
        apply("export_executorch", resnet, "pt2", tmp_path)
