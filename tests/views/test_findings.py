"""Findings out of the store."""

from __future__ import annotations

from dataclasses import replace

from core.domain.recipe import Artifact, Step
from core.domain.run import RunRequest
from core.search.spelling import spell
from core.store.store import Store
from core.views import run_view
from core.views.findings import findings_of, told
from tests.factories import candidate, model, result


def test_a_proposed_recipe_leads_from_the_model_to_its_runtime_or_is_left_out() -> None:
    store = Store()
    store.models.add(model())
    steps = (Step("export_onnx"), Step("int8_static_ort"))
    store.artifacts.save(Artifact("built", "m", steps[1], "onnx", (), details={"quantized": 9, "float": 1}))
    fast = replace(candidate("fast", result(), steps=steps), artifact_id="built")
    store.runs.create(RunRequest("m"), "a run", [candidate("base", result(1.0), 0), fast], 1.0)
    view = run_view(store, "run")
    (found,) = [each for each in findings_of(store, view, view.candidates[1]) if each.id == "float_layers"]
    assert found.recipe is not None
    assert spell(found.recipe) == "export_onnx+int8_static_ort+bf16@openvino"
    assert told(found)["recipe"] == spell(found.recipe)
