from __future__ import annotations

from typing import Any

import pytest

from core.domain.run import RunStatus
from core.packagers.serving.checklist import Line
from core.store.store import Store
from core.views import ServiceView
from tests.packagers.serving.test_packaging import TRIAL
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_without_a_run_the_page_leads_to_the_start(open_page: Open) -> None:
    assert "Nothing to deploy yet" in words(open_page("deploy.py"))


def shown(trial: Any, seen: list[str]) -> Any:
    """Return what a service looks like, and take note of how it was spelled."""

    def view(_: Store, candidate_id: str, spelled: str) -> ServiceView:
        seen.append(spelled)
        lines = (Line("Accuracy", True, "98 %"), Line("Real load", False, "not sent"))
        files = {"README.md": "# Net", "app.py": "app = 1\n", "models/v1/model/model.onnx": None}
        return ServiceView(
            files, {"README.md": 5, "app.py": 8}, lines, trial, "whetstone deploy x", "from core"
        )

    return view


def test_scenario_advice_options_and_trial(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    seen: list[str] = []
    monkeypatch.setattr("core.views.service_view", shown(TRIAL, seen))
    app = open_page("deploy.py", run="done")
    said = words(app)
    assert "INT8 static (NNCF) · OpenVINO as a FastAPI service" in said
    assert "1 of 2 are shown" in said
    assert seen[-1].startswith("fastapi:auth=true,rate_limit=true,metrics=true,log=true,docker=true")
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Golden inputs"] == "equal"
    assert values["Most requests/s"] == "900"
    assert values["Overhead"] == "0.500 ms"
    assert "whetstone deploy x" in [each.value for each in app.code]
    candidate = next(each.key for each in app.selectbox if each.label == "Candidate")
    next(box for box in app.checkbox if box.label.startswith("**Cache**")).check().run()
    assert "cache=true" in seen[-1]
    next(box for box in app.checkbox if box.label.startswith("**Shadow")).check().run()
    second = next(each for each in app.selectbox if each.label == "Second version")
    assert len(second.options) == len(app.selectbox(key=candidate).options) - 1
    second.set_value("done-0").run()
    assert "second=done-0" in seen[-1]
    next(each for each in app.button_group if each.label == "Service").set_value("triton").run()
    assert seen[-1] == "triton"
    assert "Triton model repository is not tried here" in words(app)
    app.radio[0].set_value("edge").run()
    assert "in the app itself" in words(app)
    assert not app.checkbox
