from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.domain.run import RunStatus
from core.engine import kit_name, open_store
from core.engine.kits import kit_file
from core.store.store import Store
from pages.routes import ROUTES
from tests.pages import seed

CLIENT = TestClient(Starlette(routes=ROUTES))


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with open_store() as opened:
        seed.run(opened, "done", RunStatus.DONE)
        yield opened


def test_a_kit_is_sent_under_its_full_name(store: Store) -> None:
    path = kit_file(store, "done-2")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a kit" * 1000)
    answer = CLIENT.get("/download/done-2/kit")
    assert answer.status_code == 200
    assert answer.content == b"a kit" * 1000
    assert kit_name(store, "done-2") in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_prepare_answers_with_name_and_size(store: Store) -> None:
    path = kit_file(store, "done-2")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a kit")
    assert CLIENT.get("/download/done-2/kit?prepare=1").json() == {
        "name": kit_name(store, "done-2"),
        "size": 5,
    }


@pytest.mark.parametrize(("candidate", "status"), [("nothing", 404), ("done-9", 409)])
def test_what_cannot_be_sent_is_explained(store: Store, candidate: str, status: int) -> None:
    answer = CLIENT.get(f"/download/{candidate}/kit?prepare=1")
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
