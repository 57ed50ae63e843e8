"""Each feature does what it says, and nothing of it is there where it was not chosen."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from core.errors import InvalidRequest
from core.packagers.serving.fastapi import PACKAGER
from core.packagers.serving.options import ServiceParams
from tests.packagers.serving.conftest import table, tokens, unpacked
from tests.packagers.serving.test_app import NPZ, ROW, arrays, npz

BODY = npz(features=ROW)
FRESH = {**NPZ, "Cache-Control": "no-cache"}


def key_for(client: Any, name: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, str]:
    """Make a key with the service's own command, and return the header that holds it."""
    printed, keys = list[str](), sys.modules["serving.keys"]
    monkeypatch.setattr(sys, "argv", ["keys", "add", name, *more])
    # Not the process's standard output: versions that load meanwhile print, too.
    monkeypatch.setattr(keys, "print", printed.append, raising=False)
    keys.main()
    monkeypatch.undo()
    (key,) = printed
    assert key not in (client.folder / "keys.json").read_text()
    return {"Authorization": f"Bearer {key}"}


def test_what_was_not_chosen_is_not_there(tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(), tmp_path / "out")
    files = {path.stem for path in (folder / "serving").iterdir()}
    chosen = {"keys", "rate_limit", "batching", "cache", "metrics", "log", "versions", "images"}
    assert not files & chosen
    assert "cachetools" not in (folder / "requirements.txt").read_text()
    assert sorted(path.name for path in (folder / "models").iterdir()) == ["v1"]


def test_only_keys_are_answered(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve(table(tmp_path / "in"), auth=True)
    refused = client.post("/predict", content=BODY, headers=NPZ)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    header = key_for(client, "me", monkeypatch)
    assert client.post("/predict", content=BODY, headers={**NPZ, **header}).status_code == 200
    key = header["Authorization"].removeprefix("Bearer ")
    assert client.post("/predict", content=BODY, headers={**NPZ, "X-API-Key": key}).status_code == 200
    wrong = {"Authorization": f"Bearer {key[:-1]}"}
    assert client.post("/predict", content=BODY, headers={**NPZ, **wrong}).status_code == 401
    assert client.get("/ready").status_code == 200


def test_each_key_has_a_rate(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve(table(tmp_path / "in"), auth=True, rate_limit=True, rate=2)
    ours, theirs = (key_for(client, name, monkeypatch) for name in ("us", "them"))
    statuses = [client.post("/predict", content=BODY, headers={**NPZ, **ours}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    late = client.post("/predict", content=BODY, headers={**NPZ, **ours})
    assert 1 <= int(late.headers["Retry-After"]) <= 60
    assert client.post("/predict", content=BODY, headers={**NPZ, **theirs}).status_code == 200


def test_what_was_refused_does_not_count_to_the_rate(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), rate_limit=True, rate=2)

    def statuses(body: bytes) -> list[int]:
        return [client.post("/predict", content=body, headers=NPZ).status_code for _ in range(3)]

    assert statuses(npz(features=ROW[:, :2])) == [422, 422, 422]
    assert statuses(BODY) == [200, 200, 429]
    assert statuses(b"no npz") == [429, 429, 429]


def test_the_same_input_is_computed_once(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), cache=True, metrics=True)
    first = client.post("/predict", content=BODY, headers=NPZ)
    again = client.post("/predict", content=BODY, headers=NPZ)
    np.testing.assert_array_equal(arrays(first.content)["scores"], arrays(again.content)["scores"])
    other = client.post("/predict", content=npz(features=ROW + 1), headers=NPZ)
    assert arrays(other.content)["scores"].tolist() != arrays(first.content)["scores"].tolist()
    client.post("/predict", content=BODY, headers=FRESH)
    text = client.get("/metrics").text
    assert 'cache_lookups_total{result="hit"} 1.0' in text
    assert 'cache_lookups_total{result="miss"} 2.0' in text
    assert 'requests_total{status="200",version="v1"} 4.0' in text
    assert "requests_in_flight 0.0" in text
    assert 'stage_seconds_count{stage="inference"} 4.0' in text


def test_metrics_count_what_was_refused(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), metrics=True)
    client.post("/predict", content=npz(features=ROW[:, :2]), headers=NPZ)
    assert 'requests_total{status="422",version=""} 1.0' in client.get("/metrics").text


def test_requests_that_wait_run_in_one_call(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), batching=True, max_delay_ms=300, metrics=True)
    service, calls = client.service, []
    run = service.kit.run
    service.kit.run = lambda feed: calls.append(len(feed["features"])) or run(feed)

    def ask(number: int) -> Any:
        body = npz(features=ROW + number)
        return arrays(client.post("/predict", content=body, headers=NPZ).content)["scores"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    weights = np.arange(12).reshape(4, 3) / 12
    for number, scores in enumerate(found):
        np.testing.assert_allclose(scores, (ROW + number) @ weights, rtol=1e-5)
    assert sum(calls) == 8
    assert max(calls) == 8
    assert "batch_rows_sum 64.0" in client.get("/metrics").text


def test_requests_of_other_lengths_run_apart(serve: Any, tmp_path: Path) -> None:
    client = serve(tokens(tmp_path / "in"), batching=True, max_delay_ms=100)

    def ask(length: int) -> Any:
        ids = [list(range(length))]
        inputs = {"input_ids": ids, "attention_mask": [[1] * length]}
        return client.post("/predict", json={"inputs": inputs}).json()["outputs"]["hidden"]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, (2, 3, 2, 5, 3, 2)))
    assert found == [[list(map(float, range(length)))] for length in (2, 3, 2, 5, 3, 2)]


def test_one_bad_request_of_a_batch_does_not_harm_the_others(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), batching=True, max_delay_ms=200)
    run = client.service.kit.run

    def picky(feed: Any) -> Any:
        if (feed["features"] > 50).any():
            raise RuntimeError("too\nlarge")
        return run(feed)

    client.service.kit.run = picky

    def ask(number: int) -> Any:
        return client.post("/predict", content=npz(features=ROW + number), headers=NPZ)

    with ThreadPoolExecutor(3) as pool:
        statuses = [each.status_code for each in pool.map(ask, (0, 100, 1))]
    assert statuses == [200, 500, 200]
    assert "too large" in ask(100).text


def test_rows_are_split_into_the_sizes_that_were_measured(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), batching=True)
    rows = np.arange(44, dtype=np.float32).reshape(11, 4)
    calls: list[int] = []
    run = client.service.kit.run
    client.service.kit.run = lambda feed: calls.append(len(feed["features"])) or run(feed)
    found = arrays(client.post("/predict", content=npz(features=rows), headers=NPZ).content)["scores"]
    np.testing.assert_allclose(found, rows @ (np.arange(12).reshape(4, 3) / 12), rtol=1e-5)
    assert calls == [8, 2, 1]


def test_another_version_answers_after_it_was_proven(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(table(tmp_path / "in"), auth=True, versions=True, cache=True)
    for name, package in (
        ("v2", table(tmp_path / "two", factor=2)),
        ("bad", table(tmp_path / "bad", scale=3)),
    ):
        other = unpacked(package, ServiceParams(), tmp_path / f"made-{name}")
        (other / "models" / "v1").rename(client.folder / "models" / name)
    admin, user = key_for(client, "a", monkeypatch, "--admin"), key_for(client, "u", monkeypatch)

    def first() -> float:
        found = client.post("/predict", content=BODY, headers={**NPZ, **user})
        return float(arrays(found.content)["scores"][0, 0])

    before = first()
    assert client.post("/versions/v2/activate", headers=user).status_code == 403
    assert client.post("/versions/v9/activate", headers=admin).status_code == 404
    assert client.post("/versions/..%2f..%2fv2/activate", headers=admin).status_code == 404
    refused = client.post("/versions/bad/activate", headers=admin)
    assert refused.status_code == 409
    assert "v1 stays" in refused.json()["detail"]
    assert first() == before
    active = client.post("/versions/v2/activate", headers=admin).json()
    assert active == {"active": "v2", "versions": ["bad", "v1", "v2"]}
    assert first() == pytest.approx(2 * before)
    assert client.post("/versions/rollback", headers=admin).json()["active"] == "v1"
    assert first() == before
    assert (tmp_path / "state" / "active").read_text() == "v1"


def test_a_replica_follows_another(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), auth=True, versions=True)
    other = unpacked(table(tmp_path / "two", factor=2), ServiceParams(), tmp_path / "made-v2")
    (other / "models" / "v1").rename(client.folder / "models" / "v2")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "active").write_text("v2")
    until = monotonic() + 120
    while client.get("/ready").json()["version"] != "v2" and monotonic() < until:
        sleep(0.05)
    assert client.get("/ready").json()["version"] == "v2"


def with_original(folder: Path, **made: Any) -> Any:
    return replace(table(folder / "in", **made), original=table(folder / "original"))


def test_the_original_answers_what_the_optimized_fails_at(serve: Any, tmp_path: Path) -> None:
    client = serve(with_original(tmp_path), fallback=True, metrics=True)
    client.service._original.ready.result(60)  # It loads beside the version that answers.

    def fail(_: Any) -> Any:
        raise RuntimeError("broken")

    assert "X-Fallback" not in client.post("/predict", content=BODY, headers=NPZ).headers
    client.service.kit.run = fail
    rescued = client.post("/predict", content=BODY, headers=NPZ)
    assert (rescued.status_code, rescued.headers["X-Model-Version"]) == (200, "original")
    client.service.kit.run = lambda _: [np.full((1, 3), np.nan, np.float32)]
    assert client.post("/predict", content=BODY, headers=NPZ).headers["X-Fallback"] == "1"
    assert "fallbacks_total 2.0" in client.get("/metrics").text


def test_the_original_answers_where_the_optimized_gives_other_outputs_than_measured(
    serve: Any, tmp_path: Path
) -> None:
    client = serve(with_original(tmp_path, scale=2), fallback=True)
    assert client.get("/ready").json()["version"] == "original"
    assert client.post("/predict", content=BODY, headers=NPZ).status_code == 200


def test_a_service_that_gives_other_outputs_is_not_ready(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in", scale=2))
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "failed")
    assert "differs by" in ready.json()["reason"]
    assert client.get("/health").status_code == 200
    assert client.post("/predict", content=BODY, headers=NPZ).status_code == 503


def test_too_many_that_wait_are_sent_away(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), max_waiting=1)
    run, sent_away = client.service.kit.run, Event()
    client.service.kit.run = lambda feed: sent_away.wait(60) and run(feed)
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(client.post, "/predict", content=BODY, headers=NPZ) for _ in range(6)]
        first = next(as_completed(asked)).result().status_code
        sent_away.set()
        statuses = [each.result().status_code for each in asked]
    assert first == 503
    assert set(statuses) == {200, 503}


def test_a_slow_model_is_given_up(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), timeout_s=0.5)
    run, given_up = client.service.kit.run, Event()
    client.service.kit.run = lambda feed: given_up.wait(60) and run(feed)
    assert client.post("/predict", content=BODY, headers=NPZ).status_code == 504
    given_up.set()


def test_a_request_is_a_line_of_json_without_its_inputs(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = serve(table(tmp_path / "in"), log=True)
    capsys.readouterr()
    client.post("/predict", content=BODY, headers=NPZ)
    line = json.loads(capsys.readouterr().out)
    assert (line["status"], line["version"], line["rows"]) == (200, "v1", 1)
    assert set(line["stages_ms"]) == {"validate", "queue", "inference", "encode"}


@pytest.mark.parametrize(
    ("options", "said"),
    [({"versions": True}, "need API keys"), ({"batching": True}, "gains nothing")],
)
def test_options_that_contradict_each_other_are_refused(
    options: dict[str, bool], said: str, tmp_path: Path
) -> None:
    made = table(tmp_path / "in")
    result = made.candidate.result
    assert result is not None
    flat = replace(result, timing=replace(result.timing, throughput={1: 100.0, 8: 101.0}))
    package = replace(made, candidate=replace(made.candidate, result=flat))
    with pytest.raises(InvalidRequest, match=said):
        PACKAGER.write(package, tmp_path / "service.zip", ServiceParams(**options))
