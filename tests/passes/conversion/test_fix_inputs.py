from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from core.errors import InvalidRequest, PassNotApplicable
from core.examples import example_feeds
from core.graphs.onnx import files as onnx_files
from core.passes.build import LASTING
from core.passes.conversion.fix_inputs import PASS, FixInputsParams
from core.protocols import Feed, PassContext
from tests.passes.conftest import Sample, answer, apply, op_types
from tests.passes.test_contract import LATEST


def holding(sample: Sample, folder: Path, *rates: int) -> PassContext:
    """Return a context whose data holds these rates."""

    def feeds() -> Iterator[Feed]:
        for rate, feed in zip(rates, example_feeds(sample.model, len(rates)), strict=True):
            yield feed | {"sample_rate": np.array(rate, np.int64)}

    return PassContext(sample.model, folder, feeds, threads=1)


def test_branches_on_the_input_and_on_sizes_are_folded(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["steered"]
    built = apply("fix_inputs", sample, "onnx", tmp_path)
    assert "If" not in op_types(built.path)
    assert built.details["fixed"] == {"sample_rate": 16000, "x": "b x 16"}
    assert built.details["float"] == 2
    for batch in (1, 3):
        before, after = (answer(one, sample.model, batch) for one in (sample.artifacts["onnx"], built))
        np.testing.assert_allclose(after[0], before[0], rtol=1e-5, atol=1e-6)


def test_the_interface_is_kept(graphs: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("fix_inputs", graphs["steered"], "onnx", tmp_path)
    assert onnx_files.input_names(onnx.load(str(built.path))) == ["x", "sample_rate"]


@pytest.mark.parametrize("after", ["int8_static_ort", "int8_static_nncf", "convert_openvino", "bf16"])
def test_techniques_that_branches_stopped_work_on_the_result(
    after: str, graphs: dict[str, Sample], tmp_path: Path
) -> None:
    sample = graphs["steered"]
    fixed = apply("fix_inputs", sample, "onnx", tmp_path / "fixed")
    built = apply(after, Sample(sample.model, {"onnx": fixed}), "onnx", tmp_path / "after")
    assert after == "bf16" or built.details["quantized"] == (2 if "int8" in after else 0)


def test_the_data_says_the_value(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["steered"]
    built = PASS.run(holding(sample, tmp_path, 8000, 8000), sample.artifacts["onnx"], FixInputsParams())
    assert built.details["fixed"]["sample_rate"] == 8000
    slow = onnx_files.session(built.path).run(
        None, {"x": np.ones((1, 16), np.float32), "sample_rate": np.array(16000)}
    )
    original = onnx_files.session(sample.artifacts["onnx"].path)
    expected = original.run(None, {"x": np.ones((1, 16), np.float32), "sample_rate": np.array(8000)})
    np.testing.assert_allclose(slow[0], expected[0], rtol=1e-5)


def test_data_that_contradicts_is_no_reason_to_go_on(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["steered"]
    with pytest.raises(PassNotApplicable, match="not the same throughout the data"):
        PASS.run(holding(sample, tmp_path, 8000, 16000), sample.artifacts["onnx"], FixInputsParams())
    with pytest.raises(PassNotApplicable, match="the data holds 8000"):
        PASS.run(
            holding(sample, tmp_path, 8000), sample.artifacts["onnx"], FixInputsParams("sample_rate=16000")
        )


def test_sizes_stay_free_where_a_person_wants_that(graphs: dict[str, Sample], tmp_path: Path) -> None:
    built = apply("fix_inputs", graphs["steered"], "onnx", tmp_path, sizes="keep")
    assert built.details["fixed"] == {"sample_rate": 16000}
    assert op_types(built.path) >= {"If"}


def test_a_value_that_does_not_fit_is_refused_before_any_work(graphs: dict[str, Sample]) -> None:
    model = graphs["steered"].model
    for text, words in (
        ("x=1", "no input of one number"),
        ("sample_rate=fast", "no value for sample_rate"),
        ("hm", "hm"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            PASS.requires(model, LATEST, FixInputsParams(text))


def test_it_says_itself_where_it_is_worth_trying(graphs: dict[str, Sample]) -> None:
    model = graphs["steered"].model
    assert PASS.opens(model) is not None
    plain = replace(model, inputs=model.inputs[:1])
    assert PASS.opens(plain) is None
    with pytest.raises(PassNotApplicable):
        PASS.requires(plain, LATEST, FixInputsParams())
    unsteady = replace(model.inputs[1], name="mode")
    assert PASS.opens(replace(model, inputs=(model.inputs[0], unsteady))) is None


def test_what_was_fixed_is_told_of_everything_made_of_it() -> None:
    assert "fixed" in LASTING
