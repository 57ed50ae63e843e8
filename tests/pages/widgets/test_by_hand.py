from __future__ import annotations

from core.domain.recipe import Step
from core.domain.run import RunRequest
from core.engine import open_store, plan
from core.registry import get_runtime, passes, runtimes
from pages.widgets.by_hand import path_to, recipes_of
from tests.pages import seed


def names(path: tuple[Step, ...] | None) -> list[str]:
    assert path is not None
    return [step.pass_id for step in path]


def test_conversions_are_put_in_where_they_are_needed() -> None:
    steps = (Step("int8_static_ort"),)
    assert names(path_to("pt2", steps, get_runtime("onnxruntime"))) == ["export_onnx", "int8_static_ort"]
    assert names(path_to("onnx", steps, get_runtime("onnxruntime"))) == ["int8_static_ort"]
    assert names(path_to("pt2", (), get_runtime("pytorch"))) == []


def test_what_no_runtime_can_run_has_no_path() -> None:
    assert path_to("onnx", (), get_runtime("pytorch")) is None


def test_every_path_is_accepted_by_the_plan(data_dir: object) -> None:
    with open_store() as store:
        model = seed.model(store)
        pairs = [((Step(key),), runtime) for key in passes() for runtime in runtimes()]
        recipes = recipes_of(model, pairs, 1, 1)
        assert recipes
        planned = plan(store, RunRequest(model.id, recipes=recipes))
        refused = {each.error.code for each in planned.candidates if each.error is not None}
    assert "invalid_request" not in refused
