from __future__ import annotations

from core.domain.recipe import Step
from core.domain.run import RunRequest
from core.engine import open_store, plan
from core.registry import passes, runtimes
from pages.widgets.by_hand import recipes_of
from tests.pages import seed


def test_every_path_is_accepted_by_the_plan(data_dir: object) -> None:
    with open_store() as store:
        model = seed.model(store)
        usual = [key for key, each in runtimes().items() if not each.asked_for]
        pairs = [((Step(key),), runtime) for key in passes() for runtime in usual]
        recipes = recipes_of(model, pairs, 1, 1)
        assert recipes
        planned = plan(store, RunRequest(model.id, recipes=recipes))
        refused = {each.error.code for each in planned.candidates if each.error is not None}
    assert "invalid_request" not in refused
