from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from core.domain.technique import NoParams
from core.errors import PassFailed, PassNotApplicable
from core.passes.conversion.double_to_float import PASS
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact
from tests.passes.test_contract import LATEST


def test_the_outputs_stay_and_keep_their_type(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["double"]
    built = apply("double_to_float", sample, "onnx", tmp_path)
    before, after = (answer(one, sample.model, 3) for one in (sample.artifacts["onnx"], built))
    assert [one.dtype for one in after] == [np.float64, np.int64]
    np.testing.assert_allclose(after[0], before[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(after[1], before[1])
    assert built.details["converted"] == 2
    assert built.path.stat().st_size < 0.7 * sample.artifacts["onnx"].path.stat().st_size


@pytest.mark.parametrize("after", ["int8_static_ort", "int8_static_nncf", "fp16", "bf16"])
def test_other_techniques_work_on_the_result(after: str, graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["double"]
    single = apply("double_to_float", sample, "onnx", tmp_path / "single")
    built = apply(after, Sample(sample.model, {"onnx": single}), "onnx", tmp_path / "after")
    assert np.isfinite(answer(built, sample.model)[0]).all()


def test_a_constant_beyond_the_range_is_refused(tmp_path: Path) -> None:
    path, model = zoo.double(tmp_path / "m.onnx", scale=1e300)
    with pytest.raises(PassNotApplicable, match="beyond the range of single precision"):
        apply("double_to_float", Sample(model, {"onnx": artifact("onnx", path)}), "onnx", tmp_path / "out")


def test_a_computation_that_needs_doubles_is_refused(tmp_path: Path) -> None:
    """1 is lost beside 1e12 in single precision, and the difference of the two sums is the answer."""
    model = zoo.source({"x": ("float64", ("b", 4))}, {"y": ("float64", ("b", 4))})
    nodes = [
        onnx.helper.make_node("Add", ["x", "large"], ["sum"]),
        onnx.helper.make_node("Sub", ["sum", "large"], ["y"]),
    ]
    large = onnx.numpy_helper.from_array(np.full(4, 1e12), "large")
    path = zoo._save(tmp_path / "m.onnx", nodes, [large], model, 17)
    with pytest.raises(PassFailed, match="In single precision the outputs differ"):
        apply("double_to_float", Sample(model, {"onnx": artifact("onnx", path)}), "onnx", tmp_path / "out")


def test_only_models_in_double_precision_are_worth_it(graphs: dict[str, Sample]) -> None:
    assert PASS.opens(graphs["double"].model) is not None
    single = graphs["steered"].model
    assert PASS.opens(single) is None
    with pytest.raises(PassNotApplicable, match="computes in FP32"):
        PASS.requires(single, LATEST, NoParams())
