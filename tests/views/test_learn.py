from __future__ import annotations

import pytest

from core.domain.learn import Learn
from core.domain.run import RunStatus
from core.store.store import Store
from core.views import Topics, own_figures, topic_id, topics
from tests.pages import seed


@pytest.mark.parametrize("topic", topics().values(), ids=lambda topic: topic.id)
def test_each_technique_runtime_and_format_says_what_it_does_costs_and_when_to_choose_it(
    topic: object,
) -> None:
    learn = topic.learn  # type: ignore[attr-defined]
    assert isinstance(learn, Learn), "give it a `learn` in its own file"
    for text in (learn.does, learn.costs, learn.choose):
        assert text.endswith("."), text
        assert len(text) < 400
    assert 0 < len(learn.expect) < 120


def test_own_figures_are_the_fastest_candidate_of_each_run_with_it() -> None:
    store = Store()
    seed.run(store, "one", RunStatus.DONE)
    seed.run(store, "two", RunStatus.DONE, labelled=False)
    found = {each.run_id: each for each in own_figures(store, topic_id(Topics.TECHNIQUE, "int8_static_nncf"))}
    assert set(found) == {"one", "two"}
    assert found["one"].name == "INT8 + pruning 30 % · OpenVINO"
    assert found["one"].change == pytest.approx(-2.5)
    assert found["two"].change is None
    assert own_figures(store, topic_id(Topics.TECHNIQUE, "distill")) == ()
