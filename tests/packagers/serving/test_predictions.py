"""The prediction log of a service: what it keeps, what it raises, and what labels add."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from core.packagers.templates.service.serving.drift import reference_of
from core.packagers.templates.service.serving.features import parts
from core.protocols import Package
from tests.packagers.serving.conftest import table

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 12


def rows_of(seed: int, rows: int, factor: float = 1.0) -> Any:
    found = np.random.default_rng(seed).normal(0, 1, (rows, 4)).astype(np.float32)
    found[:, 2] *= factor
    return found


def watched(folder: Path, correct: int = 900) -> Package:
    """Return the classifier of tables with a reference of 1,000 rows."""
    package, x = table(folder), rows_of(0, 1000)
    found = parts(package.model.inputs, {"features": x}, {"scores": x @ WEIGHTS}, "scores", 1000)
    reference_of(found, 1000, correct).save(folder / "reference.npz")
    return replace(package, reference=folder / "reference.npz")


def ask(client: Any, x: Any) -> str:
    answer = client.post("/predict", json={"inputs": {"features": x.tolist()}})
    assert answer.status_code == 200
    return str(answer.headers["X-Request-Id"])


def until(client: Any, reached: Any) -> Any:
    """Return what /watch tells once it is so."""
    end = monotonic() + 120
    while not reached(found := client.get("/watch").json()) and monotonic() < end:
        sleep(0.05)
    return found


def test_the_log_raises_a_rescaled_feature_and_keeps_no_input(serve: Any, tmp_path: Path) -> None:
    client = serve(watched(tmp_path / "in"), predictions=True, metrics=True)
    for seed in range(5):
        ask(client, rows_of(1 + seed, 50))
    clean = until(client, lambda it: it["arms"] and it["arms"][0]["windows"])
    assert (clean["alerts"], clean["traffic"]["requests"], clean["traffic"]["failed"]) == ([], 5, 0)
    assert set(clean["traffic"]["stages_ms"]) >= {"validate", "inference"}
    (arm,) = clean["arms"]
    assert (arm["version"], arm["reference_rows"], arm["logged"]) == ("v1", 1000, 250)
    assert sum(each["live"] for each in arm["classes"]) == pytest.approx(1)
    for seed in range(5):
        ask(client, rows_of(50 + seed, 50, factor=3.0))
    found = until(client, lambda it: it["alerts"])
    assert "features[2]" in found["alerts"][0]["message"]
    newest = found["arms"][0]["windows"][0]
    assert newest["number"] == 2
    assert {each["name"] for each in newest["findings"] if each["raised"]} >= {"features[2]"}
    lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines()]
    shifts = {name: float(value) for name, _, value in lines if name.startswith("drift_psi{")}
    assert max(shifts, key=lambda each: shifts[each]) == 'drift_psi{feature="features[2]"}'
    with sqlite3.connect(tmp_path / "state" / "predictions.db") as log:
        assert log.execute("SELECT COUNT(*) FROM predictions WHERE inputs IS NOT NULL").fetchone() == (0,)
        kept = [np.frombuffer(row, np.float32) for (row,) in log.execute("SELECT features FROM predictions")]
    assert not np.isin(rows_of(50, 50, factor=3.0)[:, 2], np.stack(kept)).any()


def test_rows_of_a_service_that_was_replaced_do_not_end_the_log(serve: Any, tmp_path: Path) -> None:
    client = serve(watched(tmp_path / "in"), predictions=True)
    ask(client, rows_of(1, 50))
    until(client, lambda it: it["arms"] and it["arms"][0]["logged"] == 50)
    with closing(sqlite3.connect(tmp_path / "state" / "predictions.db", timeout=120)) as log, log:
        log.execute("UPDATE predictions SET features = x'00000000'")
    for seed in range(9):
        ask(client, rows_of(2 + seed, 50))
    found = until(client, lambda it: it["arms"][0]["windows"])
    assert [each["number"] for each in found["arms"][0]["windows"]] == [2]


def test_labels_give_an_accuracy_and_a_loss_is_raised(serve: Any, tmp_path: Path) -> None:
    client = serve(watched(tmp_path / "in", correct=980), predictions=True)
    x = rows_of(3, 250)
    truth, ids = (x @ WEIGHTS).argmax(axis=1), [ask(client, x[row : row + 50]) for row in range(0, 250, 50)]
    until(client, lambda it: it["arms"] and it["arms"][0]["logged"] == 250)

    def label(row: int) -> Any:
        wrong = row % 5 == 0
        return {"id": ids[row // 50], "row": row % 50, "label": "abc"[(truth[row] + wrong) % 3]}

    document = {"labels": [label(row) for row in range(250)]}
    assert client.post("/labels", json=document).json() == {"kept": 250}
    assert client.post("/labels", json=document).json() == {"kept": 0}
    found = until(client, lambda it: it["alerts"])
    accuracy = found["arms"][0]["accuracy"]
    assert (accuracy["value"], accuracy["labels"], accuracy["reference"]) == (0.8, 250, 0.98)
    assert accuracy["low"] < 0.8 < accuracy["high"]
    assert found["alerts"][0]["rule"] == "accuracy v1"


WRONG = [b"[]", b"{", b'{"labels": [1]}', b'{"labels": [{"id": "x", "label": "no such"}]}',
         b'{"labels": [{"id": "x", "label": 1, "row": -1}]}', b'{"labels": [{"id": 4, "label": 1}]}',
         b'{"labels": [{"id": "x", "label": 99999999999}]}', b'{"labels": [{"id": "x", "label": 3}]}',
         b'{"labels": [{"id": "\\ud800", "label": 1}]}']  # fmt: skip


def test_wrong_labels_are_refused(serve: Any, tmp_path: Path) -> None:
    client = serve(watched(tmp_path / "in"), predictions=True)
    for body in WRONG:
        assert client.post("/labels", content=body).status_code == 422


def test_labels_and_watching_ask_for_a_key_where_predictions_do(serve: Any, tmp_path: Path) -> None:
    client = serve(watched(tmp_path / "in"), predictions=True, auth=True)
    assert client.get("/watch").status_code == 401
    assert client.post("/labels", json={"labels": []}).status_code == 401


def test_raw_inputs_are_kept_where_they_are_asked_for(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), predictions=True, log_inputs=True)
    x = rows_of(3, 5)
    ask(client, x)
    found = until(client, lambda it: it["arms"] and it["arms"][0]["logged"] == 5)
    assert found["arms"][0]["reference_rows"] == 0
    with sqlite3.connect(tmp_path / "state" / "predictions.db") as log:
        (held,) = log.execute("SELECT inputs FROM predictions WHERE inputs IS NOT NULL").fetchone()
    (tmp_path / "kept.npz").write_bytes(held)
    with np.load(tmp_path / "kept.npz") as arrays:
        np.testing.assert_array_equal(arrays["features"], x)


def test_the_log_is_bounded_and_failures_raise_an_alert_that_is_sent(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=hook.serve_forever, daemon=True).start()
    monkeypatch.setenv("SERVICE_WEBHOOK", f"http://127.0.0.1:{hook.server_port}/")
    client = serve(watched(tmp_path / "in"), predictions=True)
    import serving.predictions as running  # type: ignore[import-not-found]

    monkeypatch.setattr(running, "LOOK_S", 0.1)
    with sqlite3.connect(tmp_path / "state" / "predictions.db") as log:
        log.execute("INSERT INTO requests (number, time, ms, status, stages) VALUES (1, 0, 1, 200, '{}')")
        log.execute("UPDATE sqlite_sequence SET seq = 200000 WHERE name = 'requests'")
    for _ in range(60):
        record = client.service.begin()
        record.status = 500
        client.service.end(record)
    found = until(client, lambda it: it["alerts"])
    assert found["alerts"][0]["rule"] == "errors"
    end = monotonic() + 120
    while not told and monotonic() < end:
        sleep(0.05)
    hook.shutdown()
    assert (told[0]["alert"], told[0]["state"]) == ("errors", "raised")
    with sqlite3.connect(tmp_path / "state" / "predictions.db") as log:
        assert log.execute("SELECT MIN(number) FROM requests").fetchone() == (200001,)
