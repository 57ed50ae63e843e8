from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.domain.technique import NoParams
from core.errors import PassNotApplicable
from core.graphs.torch.modules import load_exported, open_module
from core.passes.checks import distance
from core.passes.conversion.onnx_to_pt2 import PASS, TOLERANCE
from core.protocols import LocalArtifact
from tests.passes.conftest import Sample, answer, apply
from tests.passes.test_contract import LATEST


def operators(built: LocalArtifact) -> Counter[str]:
    nodes = load_exported(built.path).graph.nodes
    packets = (getattr(node.target, "overloadpacket", None) for node in nodes if node.op == "call_function")
    return Counter(packet.__name__ for packet in packets if packet is not None)


def same(sample: Sample, built: LocalArtifact) -> bool:
    batches = (1, 3) if sample.model.fixed_batch is None else (sample.model.fixed_batch,)
    source = sample.artifacts["onnx"]
    return all(
        distance(answer(source, sample.model, batch), answer(built, sample.model, batch)) < TOLERANCE
        for batch in batches
    )


@pytest.mark.parametrize("name", ["cnn", "bert", "recurrent", "two", "fixed"])
def test_networks_that_were_exported_come_back(
    name: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    built = apply("onnx_to_pt2", networks[name], "onnx", tmp_path)
    assert same(networks[name], built)
    assert built.details["batches"] == ([2] if name == "fixed" else [1, 3])


def test_layers_are_those_that_pruning_and_training_know(
    networks: dict[str, Sample], graphs: dict[str, Sample], tmp_path: Path
) -> None:
    cnn = operators(apply("onnx_to_pt2", networks["cnn"], "onnx", tmp_path / "cnn"))
    assert (cnn["conv2d"], cnn["conv_transpose2d"], cnn["linear"]) == (3, 1, 1)
    recurrent = operators(apply("onnx_to_pt2", networks["recurrent"], "onnx", tmp_path / "recurrent"))
    assert (recurrent["lstm"], recurrent["gru"], recurrent["linear"]) == (1, 1, 1)
    old = graphs["opset9"]
    normed = operators(apply("onnx_to_pt2", old, "onnx", tmp_path / "old"))
    assert (normed["conv2d"], normed["batch_norm"], normed["linear"]) == (1, 1, 1)


def test_graphs_of_any_age_come_back(graphs: dict[str, Sample], tmp_path: Path) -> None:
    for name, sample in graphs.items():
        if "onnx" not in sample.artifacts or name in ("steered", "trees", "branch", "loop"):
            continue
        built = apply("onnx_to_pt2", sample, "onnx", tmp_path / name)
        assert same(sample, built), name


@pytest.mark.parametrize(("part", "said"), [("loop", "Loop"), ("branch", "If"), ("trees", "TreeEnsemble")])
def test_what_has_no_counterpart_is_refused_by_name(
    part: str, said: str, graphs: dict[str, Sample], tmp_path: Path
) -> None:
    sample = next(sample for name, sample in graphs.items() if part in name)
    with pytest.raises(PassNotApplicable, match=said) as caught:
        apply("onnx_to_pt2", sample, "onnx", tmp_path)
    assert "ONNX files" in caught.value.hint


def test_branches_that_an_input_chooses_are_folded_first(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["steered"]
    fixed = apply("fix_inputs", sample, "onnx", tmp_path / "fixed")
    built = apply("onnx_to_pt2", Sample(sample.model, {"onnx": fixed}), "onnx", tmp_path / "made")
    assert same(sample, built)


def test_whole_numbers_are_not_trained(resnet: Sample) -> None:
    with pytest.raises(PassNotApplicable, match="quantized"):
        PASS.requires(replace(resnet.model, precision="INT8"), LATEST, NoParams())


def test_weights_learn(resnet: Sample) -> None:
    network = open_module(resnet.artifacts["onnx"], resnet.model)
    network(torch.randn(2, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert sum(parameter.numel() for parameter in network.parameters()) > 70_000


def test_channels_are_pruned_and_the_result_goes_on_as_onnx(resnet: Sample, tmp_path: Path) -> None:
    made = apply("onnx_to_pt2", resnet, "onnx", tmp_path / "made")
    pruned = apply(
        "prune_channels", Sample(resnet.model, {"pt2": made}), "pt2", tmp_path / "pruned", ratio=0.5
    )
    assert pruned.details["parameters"] < 0.7 * pruned.details["parameters_before"]
    back = apply("export_onnx", Sample(resnet.model, {"pt2": pruned}), "pt2", tmp_path / "back")
    assert distance(answer(pruned, resnet.model, 3), answer(back, resnet.model, 3)) < TOLERANCE
