"""Core ML packages, looked into where nothing can run them: names, shapes, size, the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import PassNotApplicable
from core.formats.check import check_artifact
from core.passes.conversion.coreml_package import identifier
from core.protocols import LocalArtifact
from tests.passes import zoo
from tests.passes.conftest import Sample, apply, artifact


@pytest.mark.parametrize(
    ("name", "wanted"), [("input", "input"), ("input.1", "input_1_3"), ("0", "value_3"), ("a b", "a_b_3")]
)
def test_names_become_identifiers(name: str, wanted: str) -> None:
    assert identifier(name, 3) == wanted


def spec(built: LocalArtifact) -> Any:
    import coremltools as ct

    return ct.utils.load_spec(str(built.path.parent))


def test_imports_nothing_before_it_is_used() -> None:
    import subprocess
    import sys

    script = "import sys; import core.registry as r; r.passes(); r.runtimes(); r.formats(); r.targets()\n"
    script += "sys.exit(bool({'torch', 'ncnn', 'coremltools', 'executorch', 'torchao'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


@pytest.mark.slow
def test_it_has_the_models_names_and_shapes_and_computes_in_the_precision(
    resnet: Sample, tmp_path: Path
) -> None:
    for fp16 in (True, False):
        built = apply("export_coreml", resnet, "pt2", tmp_path / str(fp16), fp16=fp16)
        check_artifact("mlpackage", built.files)
        held = spec(built)
        (given,), (answered,) = held.description.input, held.description.output
        assert (given.name, list(given.type.multiArrayType.shape)) == ("input", [1, 3, 16, 16])
        assert (answered.name, list(answered.type.multiArrayType.shape)) == ("output", [1, 10])
        assert built.details["operators"] > 10


@pytest.mark.slow
def test_recurrent_layers_are_one_operator_each_and_not_one_for_every_step(tmp_path: Path) -> None:
    module, model = zoo.torch_models()["recurrent"]
    program = torch.export.export(
        module, (torch.randn(2, 6, 8),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    torch.export.save(program, tmp_path / "m.pt2")
    sample = Sample(model, {"pt2": artifact("pt2", tmp_path / "m.pt2")})
    built = apply("export_coreml", sample, "pt2", tmp_path / "out")
    check_artifact("mlpackage", built.files)
    held = spec(built)
    (given,), (answered,) = held.description.input, held.description.output
    assert (given.name, list(given.type.multiArrayType.shape)) == ("x", [1, 6, 8])
    assert (answered.name, list(answered.type.multiArrayType.shape)) == ("y", [1, 4])
    (block,) = held.mlProgram.functions["main"].block_specializations.values()
    assert [each.type for each in block.operations].count("lstm") == 1


@pytest.mark.slow
def test_compressed_weights_take_less_room(resnet: Sample, tmp_path: Path) -> None:
    whole = apply("export_coreml", resnet, "pt2", tmp_path / "whole")
    sizes, sample = [], Sample(resnet.model, {"mlpackage": whole})
    for weights in ("int8", "palette_6", "palette_4"):
        built = apply("weights_coreml", sample, "mlpackage", tmp_path / weights, weights=weights)
        check_artifact("mlpackage", built.files)
        sizes.append(sum(each.stat().st_size for each in built.files))
        assert built.details["compressed"] > whole.details["compressed"] == 0
        assert [each.name for each in spec(built).description.input] == ["input"]
    assert sum(each.stat().st_size for each in whole.files) > sizes[0] > sizes[1] > sizes[2]


@pytest.mark.slow
def test_the_same_model_gives_the_same_bytes(resnet: Sample, tmp_path: Path) -> None:
    one, other = (apply("export_coreml", resnet, "pt2", tmp_path / each) for each in "ab")
    for first, second in zip(one.files, other.files, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


@pytest.mark.slow
def test_where_nothing_can_be_compressed_it_says_so(
    resnet: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = apply("export_coreml", resnet, "pt2", tmp_path / "whole")
    monkeypatch.setattr("core.passes.quantization.weights_coreml.SMALLEST", 10**9)
    with pytest.raises(PassNotApplicable, match="No tensor has"):
        apply("weights_coreml", Sample(resnet.model, {"mlpackage": whole}), "mlpackage", tmp_path / "out")
