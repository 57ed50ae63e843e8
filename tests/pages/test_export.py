"""The Export page: targets as cards, what came of exports, and the format guide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.run import Candidate, CandidateStatus, Limits, RunRequest, RunStatus
from core.errors import ErrorRecord
from core.registry import targets
from core.search.exports import export_recipe, parse_exports
from core.store.store import Store
from tests.pages import seed
from tests.pages.conftest import Open, words


def exported(store: Store, ended: bool = True) -> None:
    """Put a run of three exports into the store: measured, failed, and built for elsewhere or not yet."""
    known = seed.model(store)
    exports = parse_exports(["onnx:fp16,openvino:int8_static,litert"])
    recipes = tuple(export_recipe(each, known) for each in exports)
    request = RunRequest(known.id, recipes=recipes, exports=exports, limits=Limits(None))
    planned = seed._planned("exports")[:1]
    planned += [
        Candidate(f"e{at}", "exports", at, str(exports[at - 1]), each) for at, each in enumerate(recipes, 1)
    ]
    store.runs.create(request, "digits-resnet · export", planned, 30.0)
    store.work.claim(seed.WORKER)
    figures = seed.result(seed.SPECS[0], False)
    failed = ErrorRecord("out_of_tolerance", "The output logits is not the original's.", "Give data.")
    away = ErrorRecord("measured_elsewhere", "LiteRT is not available here.", "Take it to a phone.")
    ends = (
        replace(planned[0], status=CandidateStatus.DONE, result=figures),
        replace(planned[1], status=CandidateStatus.DONE, result=figures),
        replace(planned[2], status=CandidateStatus.FAILED, error=failed),
        replace(planned[3], status=CandidateStatus.UNMEASURED, error=away),
    )
    for each in ends if ended else ends[:3]:
        store.candidates.save(each, seed.WORKER)
    if ended:
        store.work.finish("exports", seed.WORKER, RunStatus.DONE, None)


def test_without_a_model_the_page_leads_to_one(open_page: Open) -> None:
    assert "Nothing to export yet" in words(open_page("export.py"))


def test_targets_are_cards_and_what_is_picked_can_be_built(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.model(store)
    app = open_page("export.py", model="seed-model")
    said = words(app)
    for target in targets().values():
        assert f"**{target.name}**" in said
    assert "Which format for where" in said
    assert app.button(key="build").disabled
    asked: list[RunRequest] = []
    monkeypatch.setattr("core.engine.submit", lambda _, request: asked.append(request))
    app = open_page("export.py", model="seed-model", onnx="fp16,int8_dynamic", openvino="fp32")
    assert app.button(key="build").label == "Build 3 exports"
    assert "python" in app.code[-1].value or "export" in app.code[-1].value
    app.button(key="build").click().run()
    assert [str(each) for each in asked[0].exports] == ["onnx:fp16", "onnx:int8_dynamic", "openvino:fp32"]
    assert len(asked[0].recipes) == 3
    app.selectbox(key="export_seed-model_onnx_option_opset").set_value(17).run()
    app.button(key="build").click().run()
    assert [str(each) for each in asked[1].exports] == [
        "onnx:fp16:opset=17",
        "onnx:int8_dynamic:opset=17",
        "openvino:fp32",
    ]
    assert asked[1].recipes[0].steps[-1].params == {"opset": 17}


def test_what_came_of_exports_is_told(open_page: Open, store: Store) -> None:
    exported(store)
    app = open_page("export.py", model="seed-model")
    said = words(app)
    assert "**ONNX · FP16** :green-badge[:material/check_circle: Measured here]" in said
    assert "**OpenVINO IR · INT8 static** :red-badge" in said
    assert "The output logits is not the original's. Give data." in said
    assert "Built, runs elsewhere" in said
    assert "SQNR of 50 dB or more" in said
    assert app.button(key="open_e1")


def test_a_run_of_exports_is_watched_and_can_be_cancelled(open_page: Open, store: Store) -> None:
    exported(store, ended=False)
    app = open_page("export.py", model="seed-model", onnx="fp32")
    said = words(app)
    assert "**LiteRT · FP32** :gray-badge[:material/schedule: Waiting]" in said
    assert app.button(key="build").disabled
    app.button(key="cancel_run").click().run()
    assert store.runs.get("exports").cancel_requested
