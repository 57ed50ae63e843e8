"""A generated Flask service answers as the FastAPI one does, in its framework's test client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.packagers.serving.flask import PACKAGER
from core.packagers.serving.options import ServiceParams
from core.protocols import Package
from tests.packagers.serving.conftest import imported, table, unpacked
from tests.packagers.serving.test_app import NPZ, ROW, arrays, npz


@pytest.fixture
def flask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a service within this process, and return its client."""
    open_now: list[Any] = []

    def start(package: Package, **options: Any) -> Any:
        folder = unpacked(package, ServiceParams(**options), tmp_path / "made", PACKAGER)
        monkeypatch.setenv("SERVICE_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
        context = imported(folder)
        app = context.__enter__()
        open_now.append((app, context))
        app.service.active.ready.result(60)
        return app.app.test_client()

    yield start
    for app, context in open_now:
        app.service.close()
        context.__exit__(None, None, None)


def test_it_predicts_and_refuses(flask: Any, tmp_path: Path) -> None:
    client = flask(table(tmp_path / "in"), max_body_mb=1)
    expected = ROW @ (np.arange(12).reshape(4, 3) / 12)
    found = client.post("/predict", data=npz(features=ROW), headers=NPZ)
    np.testing.assert_allclose(arrays(found.data)["scores"], expected, rtol=1e-5)
    assert set(found.headers["Server-Timing"].replace(";", " ").split()) >= {"validate", "inference"}
    told = client.post("/predict", json={"inputs": {"features": ROW.tolist()}})
    assert told.json["top"][0][0]["class"] == "c"
    wrong = client.post("/predict", json={"inputs": {"features": [[1]]}})
    assert (wrong.status_code, wrong.json["detail"][0]["loc"]) == (422, ["body", "inputs", "features"])
    assert client.post("/predict", data=bytes(1_000_001), headers=NPZ).status_code == 413
    assert client.post("/predict", data=b"<html>", content_type="text/html").status_code == 415
    short = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "9"}
    late = client.post("/predict", data=b"x", headers=NPZ, environ_overrides=short)
    assert late.status_code == 408
    assert "detail" in client.get("/nowhere").json


def test_management_metrics_and_rate_by_the_address_that_a_proxy_tells(flask: Any, tmp_path: Path) -> None:
    client = flask(table(tmp_path / "in"), metrics=True, rate_limit=True, rate=2)
    assert client.get("/ready").json["status"] == "ready"
    assert client.get("/versions").status_code == 404

    def ask(address: str) -> int:
        headers = {**NPZ, "X-Forwarded-For": f"6.6.6.6, {address}"}
        return int(client.post("/predict", data=npz(features=ROW), headers=headers).status_code)

    assert [ask("1.1.1.1") for _ in range(3)] == [200, 200, 429]
    assert ask("2.2.2.2") == 200
    assert 'requests_total{status="200",version="v1"} 3.0' in client.get("/metrics").text
