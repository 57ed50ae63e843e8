from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.errors import PassNotApplicable
from core.search.memory import building_bytes, check_memory, check_session, session_bytes
from tests.factories import model as made
from tests.factories import result

GB = 10**9
FLOAT = Recipe((), Target("onnxruntime"))
INT8 = Recipe((Step("int8_static_ort"),), Target("onnxruntime"))


def model(size: int, batch_side: int = 1) -> SourceModel:
    small = made()
    return replace(small, size_bytes=size)


def test_what_fits_is_not_refused() -> None:
    check_memory(model(100_000_000), INT8, 4 * GB)
    check_memory(model(100_000_000), FLOAT, 2 * GB)
    assert building_bytes(model(GB), FLOAT) == 0.0


def test_a_model_that_building_cannot_hold_is_refused_with_both_figures() -> None:
    with pytest.raises(PassNotApplicable, match=r"Building it takes about 24\.4 GB of memory, and 9\.0 GB"):
        check_memory(model(4 * GB), INT8, 9 * GB)


def test_a_pair_that_memory_cannot_hold_is_refused() -> None:
    with pytest.raises(PassNotApplicable, match="Measuring it beside your model takes about"):
        check_memory(model(3 * GB), FLOAT, 6 * GB)


def test_one_process_may_not_take_more_than_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHETSTONE_CHILD_MEMORY_BYTES", str(2 * GB))
    with pytest.raises(PassNotApplicable, match="one may take") as raised:
        check_memory(model(GB), INT8, 64 * GB)
    assert "WHETSTONE_CHILD_MEMORY_BYTES" in raised.value.hint


def test_what_the_baseline_was_seen_to_take_counts() -> None:
    small, seen = model(100_000_000), result()
    heavy = replace(seen, timing=replace(seen.timing, memory_bytes=3 * GB))
    quarter = Artifact("a", "m", INT8.steps[0], "onnx", ())
    check_session(small, INT8, 4 * GB, None, quarter)
    with pytest.raises(PassNotApplicable, match=r"about 6\.\d GB"):
        check_session(small, INT8, 4 * GB, heavy, quarter)


def test_large_calls_take_more() -> None:
    assert session_bytes(model(1), 4096) > session_bytes(model(1), 1)
