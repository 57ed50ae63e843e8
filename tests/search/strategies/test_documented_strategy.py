"""The strategy of docs/adding-a-strategy.md keeps the contract."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.domain.recipe import Recipe
from core.domain.run import CandidateStatus, RunRequest
from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.spelling import parse
from tests.factories import ENVIRONMENT, model

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "adding-a-strategy.md"


def test_the_documented_strategy_proposes_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    module: Any = ModuleType("documented")
    monkeypatch.setitem(sys.modules, "documented", module)
    exec(compile(found[1], "documented", "exec"), module.__dict__)
    strategy = module.STRATEGY
    params = strategy.Params(most=3)
    context = SearchContext(RunRequest("m"), model("onnx"), ENVIRONMENT, ("onnxruntime",))
    history = [Trial(parse("@onnxruntime"), CandidateStatus.DONE)]
    while (recipe := strategy.propose(context, history, params)) is not None:
        assert isinstance(recipe, Recipe)
        assert recipe not in [trial.recipe for trial in history]
        history.append(Trial(recipe, CandidateStatus.DONE))
    assert len(history) == 1 + strategy.most(params)
    assert strategy.propose(context, [Trial(history[0].recipe)], params) is None
