from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from core.errors import PassFailed
from core.graphs.torch.modules import quiet_torch
from core.passes.checks import distance
from core.passes.conversion.export_onnx import PASS
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact

NETWORKS = ["cnn", "bert", "recurrent", "two", "fixed"]


@pytest.mark.parametrize("name", NETWORKS)
def test_names_symbols_and_outputs_are_the_models(name: str, networks: dict[str, Sample]) -> None:
    sample = networks[name]
    graph = onnx.load(str(sample.artifacts["onnx"].path)).graph
    assert [value.name for value in graph.input] == [spec.name for spec in sample.model.inputs]
    assert [value.name for value in graph.output] == [spec.name for spec in sample.model.outputs]
    for value, spec in zip(graph.input, sample.model.inputs, strict=True):
        assert tuple(dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim) == spec.shape
    batch = 2 if name == "fixed" else 5
    expected, actual = (answer(sample.artifacts[kind], sample.model, batch) for kind in ("pt2", "onnx"))
    assert distance(expected, actual) < 1e-4


def test_other_symbols_than_the_batch_stay_free(networks: dict[str, Sample]) -> None:
    from dataclasses import replace

    sample = networks["bert"]
    longer = replace(sample.model, symbols={"b": 1, "s": 11})
    assert distance(answer(sample.artifacts["pt2"], longer), answer(sample.artifacts["onnx"], longer)) < 1e-4


def test_one_file_without_recorded_shapes(resnet: Sample) -> None:
    built = resnet.artifacts["onnx"]
    assert built.files == (built.path,)
    assert not onnx.load(str(built.path)).graph.value_info
    assert built.details["exporter"] == "dynamo"


def test_the_operator_set_is_the_one_asked_for(resnet: Sample, tmp_path: Path) -> None:
    assert apply("export_onnx", resnet, "torchscript", tmp_path, opset=20).details["opset"] == 20


@pytest.mark.parametrize("opset", [13, 24])
def test_sets_that_no_exporter_writes_are_converted_to(
    opset: int, networks: dict[str, Sample], tmp_path: Path
) -> None:
    sample = networks["two"]
    built = apply("export_onnx", sample, "pt2", tmp_path, opset=opset)
    assert (built.details["opset"], built.details["exporter"]) == (opset, "dynamo")
    assert onnx.load(str(built.path)).ir_version == {13: 7, 24: 12}[opset]
    assert distance(answer(sample.artifacts["pt2"], sample.model, 5), answer(built, sample.model, 5)) < 1e-4


def test_a_graph_that_computes_something_else_is_refused(resnet: Sample, tmp_path: Path) -> None:
    """The trace of a branching network is right for its example only, and no exporter can do better."""
    import torch

    module = zoo.Branching().eval()
    float32 = "float32"
    model = zoo.source({"x": (float32, ("b", 4))}, {"y": (float32, ("b", 4))}, "torchscript")
    with quiet_torch():
        torch.jit.save(torch.jit.trace(module, torch.ones(2, 4)), str(tmp_path / "m.pt"))
    sample = Sample(model, {"torchscript": artifact("torchscript", tmp_path / "m.pt")})
    built = apply("export_onnx", sample, "torchscript", tmp_path / "trace")
    from dataclasses import replace

    wrong = replace(built, details=built.details | {"difference": 0.5})
    with pytest.raises(PassFailed, match="does not compute"):
        PASS.ensures(sample.artifacts["torchscript"], wrong, PASS.Params())


def test_a_script_with_branches_keeps_them(tmp_path: Path) -> None:
    import torch

    float32 = "float32"
    model = zoo.source({"x": (float32, ("b", 4))}, {"y": (float32, ("b", 4))}, "torchscript")
    torch.jit.save(torch.jit.script(zoo.Branching().eval()), str(tmp_path / "m.pt"))
    sample = Sample(model, {"torchscript": artifact("torchscript", tmp_path / "m.pt")})
    built = apply("export_onnx", sample, "torchscript", tmp_path / "out")
    assert built.details["exporter"] == "torchscript"
    expected, actual = (answer(found, model, 3) for found in (sample.artifacts["torchscript"], built))
    assert np.allclose(expected[0], actual[0], atol=1e-5)


def test_attention_in_a_script_goes_by_way_of_torch_export(tmp_path: Path) -> None:
    """The TorchScript exporter stops at its transpose: the graph does not record the rank."""

    class Attending(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = x.flatten(2).transpose(1, 2)
            return self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(1)

    with quiet_torch():
        script = torch.jit.trace(Attending().eval(), (torch.randn(1, 8, 4, 4),), check_trace=False)
        torch.jit.save(script, str(tmp_path / "m.pt"))
    shape = ("b", 8, 4, 4)
    model = zoo.source({"x": ("float32", shape)}, {"y": ("float32", ("b", 8))}, "torchscript")
    sample = Sample(model, {"torchscript": artifact("torchscript", tmp_path / "m.pt")})
    built = apply("export_onnx", sample, "torchscript", tmp_path / "onnx")
    assert built.details["exporter"] == "converter"
    sizes = onnx.load(str(built.path)).graph.input[0].type.tensor_type.shape.dim
    assert tuple(dim.dim_param or dim.dim_value for dim in sizes) == shape
    assert distance(answer(sample.artifacts["torchscript"], model, 5), answer(built, model, 5)) < 1e-4


class Helped(torch.nn.Module):
    """As GoogLeNet and Inception are built: the second answer is there in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.line = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        extra: torch.Tensor | None = None
        return self.line(x), extra


def test_answers_that_a_script_gives_in_training_only_are_dropped(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(Helped().eval()), str(tmp_path / "m.pt"))
    model = zoo.source({"x": ("float32", ("b", 4))}, {"y": ("float32", ("b", 3))}, "torchscript")
    sample = Sample(model, {"torchscript": artifact("torchscript", tmp_path / "m.pt")})
    built = apply("export_onnx", sample, "torchscript", tmp_path / "onnx")
    graph = onnx.load(str(built.path)).graph
    assert [value.name for value in graph.output] == ["y"]
    assert "Optional" not in {node.op_type for node in graph.node}


def test_double_precision_that_no_runtime_computes_is_called_so(tmp_path: Path) -> None:
    network = torch.nn.Conv2d(3, 4, 3).double().eval()
    torch.jit.save(torch.jit.trace(network, torch.zeros(1, 3, 8, 8).double()), str(tmp_path / "m.pt"))
    shapes = {"x": ("float64", (1, 3, 8, 8))}, {"y": ("float64", (1, 4, 6, 6))}
    sample = Sample(
        zoo.source(*shapes, "torchscript"), {"torchscript": artifact("torchscript", tmp_path / "m.pt")}
    )
    with pytest.raises(PassFailed, match="has no Conv") as caught:
        apply("export_onnx", sample, "torchscript", tmp_path / "onnx")
    assert "model.float()" in caught.value.hint
