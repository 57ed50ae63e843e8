"""What a candidate's layers are held against, and what is said where they cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.model import FileRef
from core.domain.recipe import Artifact, Step
from core.domain.run import Candidate, RunRequest
from core.engine.comparing_layers import before_precision, layer_errors, not_comparable, stored_layer_errors
from core.errors import InvalidRequest
from core.store.store import Store
from tests.factories import candidate, model, result

FILE = (FileRef("model.onnx", "ab" * 32, 10),)


def made(id: str, parent: str | None, step: str, form: str = "onnx") -> Artifact:
    return Artifact(id, parent, Step(step), form, FILE)


def test_the_network_in_float_is_the_one_before_the_first_technique_that_lowers_the_precision() -> None:
    source = Artifact("m", None, None, "pt2", FILE)
    chain = [source, made("e", "m", "export_onnx"), made("q", "e", "int8_static_ort"), made("b", "q", "bf16")]
    assert before_precision(chain) == (chain[1], "int8_static_ort")
    assert before_precision(chain[:2]) is None


@pytest.fixture
def store() -> Store:
    store = Store()
    store.models.add(replace(model(), files=FILE))
    for each in (
        made("e", "m", "export_onnx"),
        made("q", "e", "int8_static_ort"),
        made("t", "m", "bf16", "pt2"),
    ):
        store.artifacts.save(each)
    return store


def measured(store: Store, artifact: str, runtime: str) -> Candidate:
    each = candidate("c", result())
    target = replace(each.recipe.target, runtime_id=runtime)
    each = replace(each, artifact_id=artifact, recipe=replace(each.recipe, target=target))
    store.runs.create(RunRequest("m"), "a run", [candidate("base", result(1.0), 0), each], 1.0)
    return each


@pytest.mark.parametrize(
    ("artifact", "runtime", "reason"),
    [
        ("q", "onnxruntime", ""),
        ("q", "openvino", ""),
        ("e", "onnxruntime", "lowers the precision"),
        ("t", "pytorch", "gives no access to the values between layers"),
        ("t", "openvino", "cannot run the network as it was"),
        ("gone", "onnxruntime", "lowers the precision"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    store: Store, artifact: str, runtime: str, reason: str
) -> None:
    each = measured(store, artifact, runtime)
    said = not_comparable(store, each)
    assert reason in said
    assert bool(reason) == bool(said)
    if reason:
        with pytest.raises(InvalidRequest, match=reason):
            layer_errors(store, each.id)
    assert stored_layer_errors(store, each.id) is None
