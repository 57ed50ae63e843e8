from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.domain.recipe import Target
from core.errors import PassFailed
from core.examples import example_feed
from core.passes.checks import distance
from core.passes.conversion import export_torchscript
from core.registry import get_runtime
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact

BRANCHING = zoo.source({"x": ("float32", ("b", 4))}, {"y": ("float32", ("b", 4))}, "state_dict")


@pytest.mark.parametrize("name", ["cnn", "bert", "recurrent", "two", "fixed"])
def test_a_script_answers_as_the_program(name: str, networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks[name]
    built = apply("export_torchscript", sample, "pt2", tmp_path)
    batch = 2 if name == "fixed" else 4
    assert (
        distance(answer(sample.artifacts["pt2"], sample.model, batch), answer(built, sample.model, batch))
        < 1e-4
    )


def test_frozen_batch_norm_is_folded(resnet: Sample, tmp_path: Path) -> None:
    built = apply("export_torchscript", resnet, "state_dict", tmp_path)
    assert not list(torch.jit.load(str(built.path)).parameters())
    assert built.details["way"] == "trace"


def test_weights_of_convolutions_lie_channels_last(resnet: Sample, tmp_path: Path) -> None:
    built = apply("export_torchscript", resnet, "state_dict", tmp_path)
    assert built.details["layout"] == "channels_last"
    assert (
        distance(answer(resnet.artifacts["state_dict"], resnet.model, 4), answer(built, resnet.model, 4))
        < 1e-4
    )
    kept = [
        node.t("value")
        for node in torch.jit.load(str(built.path)).graph.nodes()
        if node.hasAttribute("value") and node.kindOf("value") == "t"
    ]
    wide = [each for each in kept if each.dim() == 4 and min(each.shape[1:]) > 1]
    assert wide
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in wide)


class Views(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, (1, 2), padding=(0, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x.reshape(-1, 2, 1, 2)).view(x.shape[0], 9)[:, :4]


def test_a_network_that_views_its_maps_keeps_its_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = given(Views().eval(), monkeypatch, tmp_path)
    assert (
        apply("export_torchscript", sample, "state_dict", tmp_path).details["layout"] == "contiguous_format"
    )


def given(module: torch.nn.Module, monkeypatch: pytest.MonkeyPatch, path: Path) -> Sample:
    monkeypatch.setattr(export_torchscript, "open_module", lambda artifact, model: module)
    return Sample(BRANCHING, {"state_dict": artifact("state_dict", path)})


def test_a_branching_network_is_scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    sample = given(zoo.Branching().eval(), monkeypatch, tmp_path)
    assert apply("export_torchscript", sample, "state_dict", tmp_path).details["way"] == "script"


def test_neither_way_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unscriptable(zoo.Branching):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) if sum(map(float, x[0])) > 0 else self.two(x)

    sample = given(Unscriptable().eval(), monkeypatch, tmp_path)
    with pytest.raises(PassFailed) as caught:
        apply("export_torchscript", sample, "state_dict", tmp_path / "out")
    assert "differ" in caught.value.message
    assert caught.value.hint


def test_it_is_optimized_for_inference_when_it_is_loaded(resnet: Sample, tmp_path: Path) -> None:
    built = apply("export_torchscript", resnet, "state_dict", tmp_path, optimize=True)
    assert built.options == {"optimize_for_inference": True}
    runtime, target = get_runtime("torchscript"), Target("torchscript", threads=1)
    session = runtime.open(built, target, resnet.model)
    assert "mkldnn" in str(session._entry.graph)
    expected = answer(resnet.artifacts["state_dict"], resnet.model, 3)
    assert distance(expected, session.run(example_feed(resnet.model, 3))) < 1e-4


def test_control_flow_survives_as_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = zoo.Branching().eval()
    built = apply("export_torchscript", given(network, monkeypatch, tmp_path), "state_dict", tmp_path)
    loaded = torch.jit.load(str(built.path))
    for sign in (-1.0, 1.0):  # either branch, which a trace has one of
        x = sign * torch.ones(3, 4)
        torch.testing.assert_close(loaded(x), network(x))
