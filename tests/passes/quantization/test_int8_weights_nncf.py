from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import PassNotApplicable
from core.passes.quantization.int8_weights_nncf import PASS
from tests.passes.conftest import Sample, answer, apply, context, noise_db


@pytest.mark.parametrize("symmetric", [False, True])
def test_all_weights_in_eight_bits_and_close(
    networks: dict[str, Sample], tmp_path: Path, symmetric: bool
) -> None:
    sample = networks["bert"]
    built = apply("int8_weights_nncf", sample, "onnx", tmp_path, symmetric=symmetric)
    assert built.details["quantized_ops"] == {"MatMul": 9}
    assert built.details["float_ops"] == {"MatMul": 4}  # queries by keys and scores by values, twice
    assert built.files[1].stat().st_size < 0.4 * sample.artifacts["onnx"].path.stat().st_size
    assert noise_db(answer(sample.artifacts["onnx"], sample.model, 3), answer(built, sample.model, 3)) > 30


def test_nothing_to_compress_is_not_applicable(graphs: dict[str, Sample], tmp_path: Path) -> None:
    sample = graphs["nothing"]
    with pytest.raises(PassNotApplicable, match="no convolution and no matrix product"):
        PASS.run(context(sample.model, tmp_path), sample.artifacts["onnx"], PASS.Params())
