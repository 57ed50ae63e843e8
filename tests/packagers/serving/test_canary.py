"""A canary gets its share of the callers, is rolled back where it is worse, and promoted where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from core.errors import InvalidRequest
from core.packagers.serving.code import service_code
from core.packagers.serving.options import ServiceParams
from tests.packagers.serving.conftest import table, unpacked
from tests.packagers.serving.test_app import NPZ, ROW, arrays, npz
from tests.packagers.serving.test_features import key_for

ARMS = service_code("arms")
BODY = npz(features=ROW)
CANARY = {"canary": True, "versions": True, "auth": True, "second": "b"}


def until(seen: Callable[[], Any]) -> Any:
    end = monotonic() + 60
    while not (found := seen()) and monotonic() < end:
        sleep(0.01)
    return found


class Client:
    """A service with a canary, and a caller for each request."""

    def __init__(self, serve: Any, folder: Path, monkeypatch: Any, factor: float, **options: Any) -> None:
        package = replace(table(folder / "in"), second=table(folder / "second", factor=factor))
        self.http = serve(package, **{**CANARY, "share": 0.5, **options})
        self.key = key_for(self.http, "me", monkeypatch, "--admin")
        self.asked = 0
        if self.http.service.canary is not None:
            until(lambda: self.http.service.canary._worker.ready.done())

    def ask(self, name: str = "") -> Any:
        self.asked += 1
        unit = {"X-Split-Key": name or f"caller {self.asked}"}
        return self.http.post("/predict", content=BODY, headers={**NPZ, **self.key, **unit})

    def get(self, path: str) -> Any:
        told = self.http.get(path, headers=self.key)
        assert told.status_code == 200, told.text
        return told.json()

    def post(self, path: str) -> Any:
        return self.http.post(path, headers=self.key)

    def ask_until(self, state: str) -> Any:
        """Ask until there was enough for a look, then wait for what it says."""
        while min(arm["requests"] for arm in self.get("/canary")["arms"].values()) < ARMS.FEWEST:
            for _ in range(50):
                assert self.ask().status_code == 200
        return until(lambda: (told := self.get("/canary"))["state"] == state and told)


def arm(rng: Any, requests: int, slower: float = 1.0, failing: float = 0.0, shift: float = 0.0) -> Any:
    found = ARMS.Arm()
    for ms, failed, kind in zip(
        rng.lognormal(0, 0.5, requests) * slower,
        rng.random(requests) < failing,
        np.where(rng.random(requests) < shift, 0, rng.integers(0, 10, requests)),
        strict=True,
    ):
        found.add(bool(failed), float(ms), [int(kind)])
    return found


@pytest.mark.parametrize(
    ("name", "worse"),
    [("latency", {"slower": 1.6}), ("errors", {"failing": 0.1}), ("predictions", {"shift": 0.3})],
)
def test_what_is_worse_is_found_within_a_few_hundred_requests(name: str, worse: dict[str, float]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        found = ARMS.differences(arm(rng, 1000), arm(rng, 400, **worse))
        assert name in [each.name for each in ARMS.worse(found, 3)]


def test_what_is_no_worse_is_hardly_ever_rolled_back() -> None:
    rng = np.random.default_rng(1)
    raised = 0
    for _ in range(40):
        looks = ((look, arm(rng, 100 * 2 ** (look - 1))) for look in range(1, 4))
        raised += any(ARMS.worse(ARMS.differences(arm(rng, 500), each), look) for look, each in looks)
    assert raised <= 1


def test_a_caller_always_gets_the_same_version(serve: Any, tmp_path: Path, monkeypatch: Any) -> None:
    client = Client(serve, tmp_path, monkeypatch, factor=2.0, share=0.3)
    versions = {name: client.ask(name).headers["X-Model-Version"] for name in map(str, range(60))}
    assert {name: client.ask(name).headers["X-Model-Version"] for name in versions} == versions
    shares = [list(versions.values()).count(version) / 60 for version in ("v1", "v2")]
    assert shares[0] > shares[1] > 0.1
    arms = client.get("/canary")["arms"]
    assert arms["control"]["requests"] + arms["canary"]["requests"] == 120
    assert arms["canary"]["requests"] == 2 * list(versions.values()).count("v2")
    name = next(name for name, version in versions.items() if version == "v2")
    plain = arrays(client.ask(next(n for n, v in versions.items() if v == "v1")).content)["scores"]
    np.testing.assert_allclose(arrays(client.ask(name).content)["scores"], 2 * plain, rtol=1e-5)


def test_other_predictions_roll_a_canary_back(serve: Any, tmp_path: Path, monkeypatch: Any) -> None:
    client = Client(serve, tmp_path, monkeypatch, factor=-1.0)
    told = client.ask_until("rolled back")
    assert "predictions" in told["reason"]
    assert told["arms"]["canary"]["classes"] == {"0": 1.0}
    assert told["arms"]["control"]["classes"] == {"2": 1.0}
    assert {client.ask().headers["X-Model-Version"] for _ in range(20)} == {"v1"}
    assert client.post("/canary/promote").status_code == 409


def test_a_canary_that_is_no_worse_answers_everybody(serve: Any, tmp_path: Path, monkeypatch: Any) -> None:
    client = Client(serve, tmp_path, monkeypatch, factor=1.0, canary_requests=100)
    # What else runs on this machine may slow either version down.
    monkeypatch.setattr("serving.arms.SLOWER", float("inf"))
    told = client.ask_until("promoted")
    assert "not worse in errors, latency, predictions" in told["reason"]
    assert client.ask().headers["X-Model-Version"] == "v2"
    assert client.get("/versions")["active"] == "v2"
    assert client.post("/versions/rollback").json()["active"] == "v1"


def test_a_failing_canary_costs_no_caller_an_answer(serve: Any, tmp_path: Path, monkeypatch: Any) -> None:
    client = Client(serve, tmp_path, monkeypatch, factor=1.0)

    def fail(feed: Any) -> Any:
        raise RuntimeError("broken")

    client.http.service.canary._worker.ready.result().run = fail
    told = client.ask_until("rolled back")
    assert "errors (1, " in told["reason"]


def test_one_is_begun_and_ended_by_hand(serve: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SERVICE_CANARY", "0")
    package = replace(table(tmp_path / "in"), second=table(tmp_path / "second", factor=2.0))
    http = serve(package, **CANARY)
    headers = key_for(http, "me", monkeypatch, "--admin")
    assert http.get("/canary", headers=headers).json()["state"] == ""
    assert http.post("/canary/v9/start", headers=headers).status_code == 404
    assert http.post("/canary/v2/start", headers=key_for(http, "you", monkeypatch)).status_code == 403
    assert http.post("/canary/v2/start", headers=headers).json()["state"] == "running"
    until(lambda: http.service.canary._worker.ready.done())
    assert http.post("/canary/promote", headers=headers).json()["reason"] == "by hand"
    assert http.get("/versions", headers=headers).json()["active"] == "v2"
    assert http.post("/canary/v1/start", headers=headers).json()["version"] == "v1"
    assert http.post("/canary/rollback", headers=headers).json()["state"] == "rolled back"


def test_a_shadow_is_compared_and_answers_nobody(serve: Any, tmp_path: Path) -> None:
    package = replace(table(tmp_path / "in"), second=table(tmp_path / "second", factor=-1.0))
    http = serve(package, shadow=True, second="b")
    until(lambda: http.service.shadow._worker.ready.done())
    for asked in range(1, 6):  # one after the other: a shadow that has no time is asked nothing
        assert http.post("/predict", content=BODY, headers=NPZ).headers["X-Model-Version"] == "v1"
        told = until(lambda asked=asked: (seen := http.get("/shadow").json())["asked"] == asked and seen)
    assert (told["version"], told["rows"], told["agreed"], told["failed"]) == ("v2", 5, 0, 0)
    assert told["largest_difference"] == pytest.approx(2)


def test_a_second_version_is_for_something(tmp_path: Path) -> None:
    package = replace(table(tmp_path / "in"), second=table(tmp_path / "second"))
    for wrong in ({"second": "b"}, {"canary": True, "second": "b"}):
        with pytest.raises(InvalidRequest):
            unpacked(package, ServiceParams(**wrong), tmp_path / "out")
    there = unpacked(package, ServiceParams(**CANARY), tmp_path / "out")
    assert sorted(path.name for path in (there / "models").iterdir()) == ["v1", "v2"]
    assert "`models/v2` gets 10% of the callers" in (there / "README.md").read_text()
