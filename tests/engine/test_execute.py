from __future__ import annotations

import pytest

from core.domain.run import Candidate
from core.engine.execute import _searches
from core.registry import get_pass
from core.search.spelling import parse


def test_a_pass_that_chooses_by_the_search_rows_keeps_them_out_of_the_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = parse("export_onnx+int8_static_ort@onnxruntime")
    candidate = Candidate("a", "b", 1, "INT8", recipe)
    assert not _searches(candidate)
    monkeypatch.setattr(type(get_pass("int8_static_ort")), "searches", True)
    assert _searches(candidate)
