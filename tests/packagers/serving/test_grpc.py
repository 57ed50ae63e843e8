"""Generated services over gRPC and the Open Inference Protocol answer, stream and refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from starlette.testclient import TestClient

from core.packagers.serving import kserve
from core.packagers.serving.grpc import PACKAGER as GRPC
from core.packagers.serving.grpc import PredictGrpc, messages
from core.packagers.serving.kserve import PACKAGER as KSERVE
from core.packagers.serving.kserve import InferGrpc, InferHttp
from core.packagers.serving.options import ServiceParams
from core.protocols import Dialect, Package, Sent
from tests.packagers.serving.conftest import imported, table, tokens, unpacked, wait_until_ready

ROW = np.array([[1, 2, 3, 4]], np.float32)
EXPECTED = ROW @ (np.arange(12).reshape(4, 3) / 12)
INFER = "/v2/models/model/infer"


class Both:
    """A service within this process, asked over HTTP and gRPC."""

    def __init__(self, http: TestClient, port: int) -> None:
        self.http = http
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def call(self, sent: Sent) -> tuple[bytes, dict[str, str]]:
        """Return the answer to a call and its trailing metadata."""
        metadata = tuple((name.lower(), value) for name, value in sent.headers.items())
        answer, ended = self.channel.unary_unary(sent.path).with_call(
            sent.body, timeout=60, metadata=metadata, wait_for_ready=True
        )
        return answer, dict(ended.trailing_metadata())

    def refused(self, sent: Sent) -> tuple[str, str]:
        """Return the status of a call and why."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(sent)
        return caught.value.code().name, caught.value.details()

    def post(self, sent: Sent) -> Any:
        """Return the answer to a request over HTTP."""
        return self.http.post(sent.path, content=sent.body, headers=dict(sent.headers))


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a service within this process."""
    open_now: list[Any] = []

    def start(packager: Any, package: Package, **options: Any) -> Both:
        folder = unpacked(package, ServiceParams(**options), tmp_path / "made", packager)
        monkeypatch.setenv("SERVICE_STATE", str(tmp_path / "state"))
        context = imported(folder)
        app = context.__enter__()
        app.server.address = "127.0.0.1:0"
        client = TestClient(app.app)
        client.__enter__()
        open_now.extend([client, context])
        wait_until_ready(client)
        return Both(client, app.server.port)

    yield start
    for each in open_now:
        each.__exit__(None, None, None)


def test_a_call_and_a_stream_of_them(both: Any, tmp_path: Path) -> None:
    service, dialect, made = both(GRPC, table(tmp_path / "in"), metrics=True), PredictGrpc(), messages()
    answer, trailing = service.call(dialect.predict({"features": ROW}))
    np.testing.assert_allclose(dialect.outputs(answer)["scores"], EXPECTED, rtol=1e-5)
    assert {"server-timing", "x-request-id", "x-model-version"} <= trailing.keys()

    def ask(number: int) -> Any:
        rows = {"features": ROW[:, : 4 - (number == 1)] * number}
        request = made.PredictRequest.FromString(dialect.predict(rows).body)
        request.id = str(number)
        return request

    stream = service.channel.stream_stream(
        "/prediction.v1.Prediction/PredictStream",
        made.PredictRequest.SerializeToString,
        made.PredictResponse.FromString,
    )
    found = list(stream(map(ask, range(40)), timeout=60))
    assert [each.id for each in found] == [str(number) for number in range(40)]
    assert (found[1].error.code, "expected the shape" in found[1].error.message) == (3, True)
    last = np.frombuffer(found[39].outputs["scores"].data, np.float32)
    np.testing.assert_allclose(last, 39 * EXPECTED[0], rtol=1e-5)
    described = service.call(Sent("/prediction.v1.Prediction/Describe"))[0]
    assert made.DescribeResponse.FromString(described).inputs[0].shape == [-1, 4]
    health = service.call(Sent("/grpc.health.v1.Health/Check"))[0]
    assert health == b"\x08\x01"
    text = service.http.get("/metrics").text
    assert 'requests_total{status="200",version="v1"} 40.0' in text
    assert 'requests_total{status="422",version=""} 1.0' in text


def test_two_integer_inputs_and_keys(both: Any, tmp_path: Path) -> None:
    service, dialect = both(GRPC, tokens(tmp_path / "in"), auth=True), PredictGrpc()
    feed = {"input_ids": np.array([[1, 2]]), "attention_mask": np.array([[1, 0]])}
    assert service.refused(dialect.predict(feed))[0] == "UNAUTHENTICATED"
    assert service.refused(dialect.predict(feed, "wrong"))[0] == "UNAUTHENTICATED"


STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 501: "UNIMPLEMENTED"}


@pytest.mark.parametrize(("packager", "dialect"), [(GRPC, PredictGrpc()), (KSERVE, InferGrpc())])
def test_what_must_be_refused_over_grpc(both: Any, packager: Any, dialect: Dialect, tmp_path: Path) -> None:
    service = both(packager, table(tmp_path / "in"), max_body_mb=1)
    for what, (status, sent) in dialect.wrong({"features": ROW}).items():
        assert service.refused(sent)[0] == STATUSES[status], what
    nan = dialect.predict({"features": ROW * np.float32("nan")})
    assert service.refused(nan) == (
        "INVALID_ARGUMENT",
        "inputs/features: expected finite numbers, got NaN or infinity",
    )
    assert service.refused(Sent(nan.path, b"\xff" * 50))[0] in ("INTERNAL", "UNKNOWN")
    large = dialect.predict({"features": np.zeros((300_000, 4), np.float32)})
    assert service.refused(large)[0] == "RESOURCE_EXHAUSTED"
    answer, _ = service.call(dialect.predict({"features": ROW}))
    np.testing.assert_allclose(dialect.outputs(answer)["scores"], EXPECTED, rtol=1e-5)


def test_the_open_inference_protocol_over_http(both: Any, tmp_path: Path) -> None:
    service, dialect = both(KSERVE, table(tmp_path / "in"), max_body_mb=1), InferHttp()
    client = service.http
    found = service.post(dialect.predict({"features": ROW}))
    np.testing.assert_allclose(dialect.outputs(found.content)["scores"], EXPECTED, rtol=1e-5)
    one = {"name": "features", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}
    told = client.post(INFER, content=json.dumps({"id": "7", "inputs": [one]})).json()
    assert (told["id"], told["model_version"]) == ("7", "v1")
    assert told["outputs"][0]["data"] == pytest.approx(EXPECTED[0].tolist())
    assert client.get("/v2/models/model/ready").status_code == 200
    assert client.get("/v2/models/other/ready").status_code == 503
    assert client.get("/v2/models/model").json()["inputs"] == [
        {"name": "features", "datatype": "FP32", "shape": [-1, 4]}
    ]
    for what, (status, sent) in dialect.wrong({"features": ROW}).items():
        if sent.length is None:
            answer = service.post(sent)
            assert answer.status_code == status, what
            assert answer.json()["error"]
    # fmt: off
    odd: list[Any] = [[], {"inputs": 1}, {"inputs": [one, one]}, {"inputs": [{**one, "shape": [-1]}]},
                      {"inputs": [one], "outputs": [{"name": "x"}]}, {"inputs": [{**one, "data": None}]},
                      {"inputs": [{**one, "parameters": {"binary_data_size": 9}}]},
                      {"inputs": [one], "outputs": 2 * [{"name": "scores"}]},
                      {"inputs": [{**one, "name": 1}]}]
    # fmt: on
    for body in odd:
        assert client.post(INFER, content=json.dumps(body)).status_code == 400, body
    for length in (b"x", b"99", b"-1", b"1" * 40, b"\xb2"):
        headers = {b"Inference-Header-Content-Length": length}
        assert client.post(INFER, content=b"{}", headers=headers).status_code == 400


def test_an_output_is_given_once(both: Any, tmp_path: Path) -> None:
    service, dialect = both(KSERVE, table(tmp_path / "in")), InferGrpc()
    sent = dialect.predict({"features": ROW})
    made = kserve.messages().ModelInferRequest
    twice = made(outputs=2 * [made.InferRequestedOutputTensor(name="scores")]).SerializeToString()
    status, told = service.refused(Sent(sent.path, sent.body + twice))
    assert (status, told) == ("INVALID_ARGUMENT", "outputs: an output is asked for twice")


def test_inputs_that_are_numbered_are_named_in_quotes(both: Any, tmp_path: Path) -> None:
    package = table(tmp_path / "in")
    numbered = replace(package.model, inputs=(replace(package.model.inputs[0], name="1"),))
    client = both(KSERVE, replace(package, model=numbered)).http
    one = {"name": 1, "datatype": "FP32", "shape": [9000, 4], "data": [1, 2, 3, 4] * 9000}
    answer = client.post(INFER, content=json.dumps({"inputs": [one]}))
    assert (answer.status_code, "a name, in quotes" in answer.json()["error"]) == (400, True)
