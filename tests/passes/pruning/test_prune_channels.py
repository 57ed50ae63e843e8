from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import params, registry
from core.errors import PassNotApplicable
from core.examples import example_feeds
from core.protocols import LocalArtifact, PassContext
from tests.passes.conftest import Sample, answer, apply, noise_db

FORMATS = ("state_dict", "pt2", "onnx")


def calibrated(sample: Sample, format: str, folder: Path, **values: object) -> LocalArtifact:
    """Run the pass with enough samples for statistics."""
    folder.mkdir(parents=True, exist_ok=True)
    found = registry.get_pass("prune_channels")
    context = PassContext(sample.model, folder, lambda: example_feeds(sample.model, 32, seed=9), threads=1)
    settings = params.make(found.Params, values)
    built = found.run(context, sample.artifacts[format], settings)
    found.ensures(sample.artifacts[format], built, settings)
    return built


@pytest.mark.parametrize("format", FORMATS)
def test_parameters_work_and_file_shrink(format: str, resnet: Sample, tmp_path: Path) -> None:
    built = apply("prune_channels", resnet, format, tmp_path, ratio=0.5)
    details = built.details
    assert details["parameters"] < 0.6 * details["parameters_before"]
    assert details["macs"] < 0.65 * details["macs_before"]
    assert (
        built.path.stat().st_size
        < 0.85 * resnet.artifacts["onnx" if format == "onnx" else "pt2"].path.stat().st_size
    )
    assert details["corrected"] == 0, "too few samples for statistics"


@pytest.mark.parametrize("format", FORMATS)
def test_correction_brings_the_outputs_back(format: str, resnet: Sample, tmp_path: Path) -> None:
    expected = answer(resnet.artifacts[format], resnet.model, 16)
    raw = calibrated(resnet, format, tmp_path / "raw", refresh_norms=False)
    corrected = calibrated(resnet, format, tmp_path / "corrected")
    assert corrected.details["corrected"] > 5
    gain = [noise_db(expected, answer(each, resnet.model, 16)) for each in (raw, corrected)]
    assert gain[1] > gain[0] + 3


def test_the_ratio_and_the_rounding_decide_the_widths(resnet: Sample, tmp_path: Path) -> None:
    import onnx

    built = apply("prune_channels", resnet, "onnx", tmp_path, ratio=0.5, round_to=8, residuals=True)
    weights = [t for t in onnx.load(str(built.path)).graph.initializer if len(t.dims) == 4]
    assert {tensor.dims[0] for tensor in weights} == {8, 16, 32}


@pytest.mark.parametrize("format", ["pt2", "onnx"])
def test_residual_streams_stay_unless_asked(format: str, resnet: Sample, tmp_path: Path) -> None:
    inner = apply("prune_channels", resnet, format, tmp_path / "inner")
    everything = apply("prune_channels", resnet, format, tmp_path / "all", residuals=True)
    assert everything.details["parameters"] < inner.details["parameters"]


@pytest.mark.slow
def test_pruned_graphs_are_quantized_and_exported_like_others(resnet: Sample, tmp_path: Path) -> None:
    pruned = apply("prune_channels", resnet, "pt2", tmp_path / "1")
    exported = apply("export_onnx", Sample(resnet.model, {"pt2": pruned}), "pt2", tmp_path / "2")
    quantized = apply("int8_static_ort", Sample(resnet.model, {"onnx": exported}), "onnx", tmp_path / "3")
    again = apply("prune_channels", Sample(resnet.model, {"pt2": pruned}), "pt2", tmp_path / "4")
    assert np.isfinite(answer(quantized, resnet.model)[0]).all()
    assert again.details["parameters"] < pruned.details["parameters"]


@pytest.mark.parametrize("format", ["pt2", "onnx"])
@pytest.mark.parametrize("name", ["cnn", "fixed", "bert"])
def test_networks_of_many_kinds(name: str, format: str, networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks[name]
    built = apply("prune_channels", sample, format, tmp_path, ratio=0.5, round_to=2, residuals=True)
    fixed = sample.model.fixed_batch
    for batch in (1, 3) if fixed is None else (fixed,):
        old, new = (answer(each, sample.model, batch) for each in (sample.artifacts[format], built))
        assert [one.shape for one in old] == [one.shape for one in new]


@pytest.mark.parametrize("format", ["pt2", "onnx"])
@pytest.mark.parametrize(
    ("name", "words"), [("recurrent", r"tied by|no convolution"), ("two", "a reduction over")]
)
def test_what_ties_all_channels_is_named(
    name: str, words: str, format: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    with pytest.raises(PassNotApplicable, match=words):
        apply("prune_channels", networks[name], format, tmp_path)


def test_graphs_that_cannot_be_pruned_say_why(
    graphs: dict[str, Sample], resnet: Sample, tmp_path: Path
) -> None:
    for name, words in (("nothing", "no convolution"), ("branch", "If"), ("loop", "Loop")):
        with pytest.raises(PassNotApplicable, match=words):
            apply("prune_channels", graphs[name], "onnx", tmp_path / name)
    quantized = apply("int8_static_ort", resnet, "onnx", tmp_path / "q")
    with pytest.raises(PassNotApplicable, match="quantized"):
        apply("prune_channels", Sample(resnet.model, {"onnx": quantized}), "onnx", tmp_path / "p")


@pytest.mark.parametrize("criterion", ["bn_scale", "taylor"])
def test_importance_from_norms_and_gradients_is_refused_where_there_are_none(
    criterion: str, resnet: Sample, tmp_path: Path
) -> None:
    with pytest.raises(PassNotApplicable, match=r"batch norm|gradients"):
        apply("prune_channels", resnet, "onnx", tmp_path, criterion=criterion)
