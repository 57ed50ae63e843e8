from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import params, registry
from core.errors import PassNotApplicable
from core.examples import example_feed, example_feeds
from core.graphs.torch.modules import exported_module, load_exported, quiet_torch
from core.passes.pruning import depth
from core.passes.pruning.prune_depth_torch import TorchDepth
from core.protocols import LocalArtifact, PassContext
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact, context

FORMATS = ("state_dict", "pt2", "onnx")


def rows(sample: Sample, format: str, folder: Path, **values: object) -> LocalArtifact:
    """Run the pass without a target and with enough samples for statistics."""
    folder.mkdir(parents=True, exist_ok=True)
    found = registry.get_pass("prune_depth")
    given = PassContext(sample.model, folder, lambda: example_feeds(sample.model, 32, seed=9), threads=1)
    return found.run(given, sample.artifacts[format], params.make(found.Params, values))


@pytest.mark.parametrize("format", FORMATS)
def test_a_whole_block_goes_with_its_weights(format: str, resnet: Sample, tmp_path: Path) -> None:
    details = rows(resnet, format, tmp_path).details
    assert details["removed"][0] in ("layer1.0", "layer1.1")
    assert len(details["removed"]) == 1
    assert details["removable"] == 2
    assert details["parameters_before"] - details["parameters"] > 2 * 16 * 16 * 9
    assert details["macs_before"] - details["macs"] == 2 * 16 * 16 * 9 * 16 * 16
    assert details["rows"] == 32
    assert (details["unit"], details["saved_share"]) == ("MACs", 0.5)


def test_the_formats_agree_and_what_is_left_computes_the_network_without_the_block(
    resnet: Sample, tmp_path: Path
) -> None:
    built = {
        format: rows(resnet, format, tmp_path / format, refresh_norms=False) for format in ("pt2", "onnx")
    }
    assert built["pt2"].details["removed"] == built["onnx"].details["removed"]
    one, other = (answer(each, resnet.model, 3)[0] for each in built.values())
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert np.abs(one - answer(resnet.artifacts["pt2"], resnet.model, 3)[0]).max() > 1e-3


@pytest.mark.parametrize("format", ["pt2", "onnx"])
def test_statistics_are_corrected_only_where_that_helps(format: str, resnet: Sample, tmp_path: Path) -> None:
    details = rows(resnet, format, tmp_path).details
    assert details["error"] <= details["error_before_correction"]
    assert (details["corrected"] > 0) == (details["error"] < details["error_before_correction"])


def test_blocks_are_weighed_by_milliseconds_on_the_target(resnet: Sample, tmp_path: Path) -> None:
    details = apply("prune_depth", resnet, "onnx", tmp_path).details
    assert details["unit"] == "ms"
    assert 0 < details["saved"] < 50


class InPlace(nn.Module):
    """Blocks that overwrite what they add to, and a mask written part by part."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(8, 8)
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        kept = x * 2
        mask = kept.new_zeros(8)
        mask[2:5] = 1
        for block in self.blocks:
            x += block(x).relu_() * mask
            x.relu_()
        return x + kept


@pytest.fixture
def in_place(tmp_path: Path) -> Sample:
    torch.manual_seed(0)
    model = zoo.source({"x": ("float32", ("b", 8))}, {"y": ("float32", ("b", 8))}, "pt2")
    with quiet_torch():
        shapes = ({0: torch.export.Dim.DYNAMIC},)
        program = torch.export.export(InPlace().eval(), (torch.randn(2, 8),), dynamic_shapes=shapes)
        torch.export.save(program, str(tmp_path / "m.pt2"))
    return Sample(model, {"pt2": artifact("pt2", tmp_path / "m.pt2")})


def test_networks_that_overwrite_their_tensors_compute_the_same_without_a_block(
    in_place: Sample, tmp_path: Path
) -> None:
    built = rows(in_place, "pt2", tmp_path / "out", blocks=1, refresh_norms=False)
    left_out = int(built.details["removed"][0].removeprefix("blocks."))
    network, x = InPlace().eval(), torch.from_numpy(example_feed(in_place.model, 3)["x"])
    network.load_state_dict(exported_module(load_exported(in_place.artifacts["pt2"].path)).state_dict())
    del network.blocks[left_out]
    with quiet_torch():
        np.testing.assert_allclose(answer(built, in_place.model, 3)[0], network(x).numpy(), atol=1e-6)


def test_trying_without_a_block_is_what_removing_it_gives(in_place: Sample, tmp_path: Path) -> None:
    """The trials share what lies before a block; nothing they run may change that."""
    found = TorchDepth(context(in_place.model, tmp_path / "w"), in_place.artifacts["pt2"], tmp_path / "w")
    feed = (torch.from_numpy(example_feed(in_place.model, 4)["x"]),)
    with quiet_torch():
        tried = found.outputs([feed], (1,), (0, 2))[0]
        for answers, gone in zip(tried, ((1,), (1, 0), (1, 2)), strict=True):
            np.testing.assert_array_equal(answers[0], found.without(gone)(*feed).numpy())


@pytest.mark.parametrize("format", ["pt2", "onnx"])
def test_attention_and_mlp_of_a_transformer_go_each(
    format: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    sample = networks["bert"]
    built = rows(sample, format, tmp_path, blocks=2)
    assert built.details["removable"] == 4
    assert len(set(built.details["removed"])) == 2
    if format == "pt2":
        assert all(name.startswith("encoder.layers.") for name in built.details["removed"])
    assert [one.shape for one in answer(built, sample.model, 3)] == [(3, 4)]


@pytest.mark.parametrize("format", ["pt2", "onnx"])
def test_networks_without_residual_blocks_are_refused(
    format: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    for name in ("recurrent", "two"):
        with pytest.raises(PassNotApplicable, match="no residual block"):
            rows(networks[name], format, tmp_path / name)


def test_a_quantized_graph_is_refused(resnet: Sample, tmp_path: Path) -> None:
    quantized = apply("int8_static_ort", resnet, "onnx", tmp_path / "q", samples=2)
    with pytest.raises(PassNotApplicable, match="quantized already"):
        rows(replace(resnet, artifacts={"onnx": quantized}), "onnx", tmp_path / "p")


def test_names_of_blocks_are_those_of_modules_and_tell_blocks_of_one_module_apart() -> None:
    layers = [["l.0.attn.w", "l.0.norm1.w"], ["l.0.mlp.1.w", "l.0.mlp.2.w", "l.0.norm2.w"], ["l.1.conv.w"]]
    assert depth.names(layers) == ["l.0 (attn, norm1)", "l.0 (mlp, norm2)", "l.1.conv"]
    assert depth.names([["conv_2.w", "bn_2.w"], ["conv_7.w", "bn_7.w"]]) == [
        "(bn_2, conv_2)",
        "(bn_7, conv_7)",
    ]
    assert depth.names([["stem.0.w"], []]) == ["stem.0", "block 2"]
