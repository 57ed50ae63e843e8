from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from core.errors import PassFailed
from core.examples import example_feed
from core.formats.check import check_artifact
from core.passes.conversion.convert_ort import PASS
from tests.passes.conftest import Sample, answer, apply


def test_onnx_runtime_opens_it_and_the_list_names_its_operators(resnet: Sample, tmp_path: Path) -> None:
    built = apply("convert_ort", resnet, "onnx", tmp_path)
    assert [file.name for file in built.files] == ["model.ort", "model.required_operators.config"]
    check_artifact("ort", built.files)
    session = onnxruntime.InferenceSession(str(built.path), providers=["CPUExecutionProvider"])
    found = session.run(None, example_feed(resnet.model, 3))
    np.testing.assert_allclose(found[0], answer(resnet.artifacts["onnx"], resnet.model, 3)[0], atol=1e-4)
    assert {"Gemm", "GlobalAveragePool"} & set(built.details["operators"])
    assert "float" in built.files[1].read_text()


def test_the_list_may_leave_out_types(resnet: Sample, tmp_path: Path) -> None:
    built = apply("convert_ort", resnet, "onnx", tmp_path, types=False)
    assert "{" not in "".join(line for line in built.files[1].read_text().splitlines() if line[:1] != "#")


def test_other_outputs_are_refused(resnet: Sample, tmp_path: Path) -> None:
    from dataclasses import replace

    built = apply("convert_ort", resnet, "onnx", tmp_path)
    wrong = replace(built, details=built.details | {"difference": 0.5})
    with pytest.raises(PassFailed, match="differ"):
        PASS.ensures(resnet.artifacts["onnx"], wrong, PASS.Params())
