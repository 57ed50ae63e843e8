"""Quantization-aware training: what INT8 costs is given back, by the ranges that the INT8 file has."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import params, registry
from core.errors import PassNotApplicable
from core.graphs.onnx import files as onnx_files
from core.graphs.torch.modules import exported_module, load_exported
from core.passes.training.fake_quantization import first_range
from core.protocols import Array, LocalArtifact
from tests.passes.training.conftest import Bench, killed_at

FACTOR = 300.0
"""By which two channels are larger than the others, and what reads them smaller: the answers stay."""
STEPS = 100


@pytest.fixture
def outliers(patterns: Bench) -> LocalArtifact:
    module: Any = exported_module(load_exported(patterns.teacher.path))
    with torch.no_grad():
        for norm, reader in (("norm", "second"), ("norm2", "head")):
            for channel in (0, 5):
                module.get_parameter(f"{norm}.weight")[channel] *= FACTOR
                module.get_parameter(f"{norm}.bias")[channel] *= FACTOR
                module.get_parameter(f"{reader}.weight")[:, channel] /= FACTOR
    return patterns.saved(module, "outliers")


def built(bench: Bench, name: str, before: LocalArtifact) -> LocalArtifact:
    found = registry.get_pass(name)
    settings = params.make(found.Params, {})
    made = found.run(bench.context(f"{name}-{before.path.stem}"), before, settings)
    found.ensures(before, made, settings)
    return made


def on_openvino(bench: Bench, path: Path) -> tuple[Array, Counter[tuple[str, bool]]]:
    """Return the answers to the search rows, and how many layers of each kind run in INT8 and not."""
    import openvino as ov

    compiled = ov.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    told = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    pairs = [tuple(each[name].astype(str) for name in ("layerType", "primitiveType")) for each in told]
    return compiled(bench.feed["input"][192:])[0], Counter((kind, "I8" in made) for kind, made in pairs)


def agreement(bench: Bench, answers: Array) -> float:
    return float((answers.argmax(1) == bench.answers(bench.teacher).argmax(1)).mean())


@pytest.mark.slow
def test_outliers_cost_points_that_it_gives_back_on_both_runtimes(
    patterns: Bench, outliers: LocalArtifact
) -> None:
    plain = built(patterns, "export_onnx", outliers)
    answers, _ = on_openvino(patterns, built(patterns, "int8_static_nncf", plain).path)
    assert agreement(patterns, answers) < 0.9
    by_ort = onnx_files.session(built(patterns, "int8_static_ort", plain).path, 1)
    rows = {"input": patterns.feed["input"][192:]}
    assert agreement(patterns, onnx_files.run(by_ort, rows)[0]) < 0.9

    made = patterns.apply("quantization_aware", outliers, "out", steps=STEPS)
    assert made.details["after"]["search_loss"] < 0.5 * made.details["before"]["search_loss"]
    exported = built(patterns, "export_onnx", made)
    answers, _ = on_openvino(patterns, exported.path)
    assert agreement(patterns, answers) > 0.95
    session = onnx_files.session(exported.path, 1)
    assert agreement(patterns, onnx_files.run(session, rows)[0]) > 0.95
    with pytest.raises(PassNotApplicable, match="8 bits already"):
        built(patterns, "int8_static_nncf", exported)


def test_layers_run_in_int8_by_integer_weights_and_the_ranges_that_were_learned(
    patterns: Bench, outliers: LocalArtifact
) -> None:
    made = patterns.apply("quantization_aware", outliers, "out", steps=4)
    program = load_exported(made.path)
    weights = [each for each in program.state_dict.values() if each.ndim > 1]
    assert {each.dtype for each in weights} == {torch.int8}
    assert (made.details["quantized"], made.details["ranges"], made.format) == (3, 4, "pt2")
    calls = [node for node in program.graph.nodes if "quantize_per_tensor" in str(node.target)]
    steps = {node.args[1] for node in calls}
    assert len(steps) == 4
    exported = built(patterns, "export_onnx", made)
    _, kinds = on_openvino(patterns, exported.path)
    assert (kinds["Convolution", True], kinds["FullyConnected", True]) == (2, 1)
    assert not kinds["Convolution", False] + kinds["FullyConnected", False]
    model = onnx_files.load(exported.path)
    held = {each.name: each for each in model.graph.initializer}
    found = [node.input[1] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    written = {float(np.frombuffer(held[name].raw_data, "f4")[0]) for name in found}
    assert written == {float(np.float32(each)) for each in steps}


def test_what_quantizes_again_or_trains_on_is_refused(patterns: Bench, outliers: LocalArtifact) -> None:
    made = patterns.apply("quantization_aware", outliers, "out", steps=2)
    exported = built(patterns, "export_onnx", made)
    with pytest.raises(PassNotApplicable, match="8 bits already") as caught:
        built(patterns, "int8_static_ort", exported)
    assert caught.value.hint
    for name in ("quantization_aware", "distill"):
        with pytest.raises(PassNotApplicable, match="8 bits already"):
            patterns.apply(name, made, "again", steps=2)


def test_a_killed_one_goes_on_and_a_cancelled_one_keeps_its_best(
    patterns: Bench, outliers: LocalArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = patterns.apply("quantization_aware", outliers, "whole", steps=24)
    context = killed_at(15, patterns, "quantization_aware", outliers, monkeypatch, steps=24)
    assert context.training is not None
    cancelled = replace(context, training=replace(context.training, seconds_left=lambda: 0.0))
    best = patterns.apply("quantization_aware", outliers, "killed", context=cancelled, steps=24)
    assert (best.details["complete"], best.details["steps"]) == (False, 14)
    assert best.details["after"]["search_loss"] < best.details["before"]["search_loss"]
    made = patterns.apply("quantization_aware", outliers, "killed", context=context, steps=24)
    assert (made.details["began_at"], made.details["steps"]) == (14, 24)
    assert made.details["after"]["search_loss"] == pytest.approx(
        whole.details["after"]["search_loss"], rel=0.2
    )


def test_without_a_layer_to_quantize_it_refuses(patterns: Bench) -> None:
    class Scale(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1, 1, 1, 1))

        def forward(self, input: Any) -> Any:
            return (input * self.weight).mean((2, 3)).repeat(1, 8)

    with pytest.raises(PassNotApplicable, match="no convolution") as caught:
        patterns.apply("quantization_aware", patterns.saved(Scale(), "scale"), "out", steps=2)
    assert caught.value.hint


def test_a_range_begins_where_its_squared_error_is_least() -> None:
    values = torch.linspace(0, 1, 10_000)
    step, zero = first_range([values])
    assert (step, zero) == (pytest.approx(1 / 255, rel=1e-3), 0)
    assert first_range([-values, values])[1] == 128
    outlier = torch.cat([values.repeat(100), torch.tensor([3.0])])
    assert first_range([outlier])[0] < 2 / 255
