"""A consumer of a stream answers every message, holds no more than it may, and loses none when killed."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.packagers.serving.options import ServiceParams
from tests.packagers.serving.conftest import imported, table, unpacked
from tests.packagers.serving.test_app import ROW, arrays, npz
from tests.packagers.serving.test_started import free_port

MESSAGES = 300
TYPE = "application/x-npz"


def bodies(count: int) -> list[bytes]:
    return [npz(features=ROW + number) for number in range(count)]


def right(number: int, body: bytes) -> bool:
    expected = (ROW + number) @ (np.arange(12, dtype=np.float32).reshape(4, 3) / 12)
    return bool(np.allclose(arrays(body)["scores"], expected, rtol=1e-4))


def until(seen: Callable[[], Any]) -> Any:
    end = monotonic() + 120
    while not (found := seen()) and monotonic() < end:
        sleep(0.02)
    return found


class Held:
    """A broker within this process, which knows how many messages were out at once."""

    def __init__(self, messages: list[Any], stop: Callable[[], None]) -> None:
        self.waiting, self.stop, self.out, self.most = messages, stop, 0, 0
        self.answers: list[Any] = []

    def take(self, most: int, wait_s: float) -> list[Any]:
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        self.out += len(taken)
        self.most = max(self.most, self.out)
        if not self.waiting:
            self.stop()
        return taken

    def answer(self, *answer: Any) -> None:
        self.out -= 1
        self.answers.append(answer)


@pytest.fixture
def streaming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(streaming=True), tmp_path / "made")
    with imported(folder):
        yield folder


def test_every_message_is_answered_in_order_and_few_are_held(streaming: Path) -> None:
    app, stream, brokers = (
        importlib.import_module(name) for name in ("app", "serving.stream", "serving.brokers")
    )
    app.service.start()
    app.service.active.ready.result()
    sent = [brokers.Message(number, b"k", TYPE, body) for number, body in enumerate(bodies(50))]
    sent[7] = brokers.Message(7, b"k", TYPE, b"nothing")
    sent[8] = brokers.Message(
        8, b"k", "application/json", json.dumps({"inputs": {"features": ROW.tolist()}}).encode()
    )
    sent[9] = brokers.Message(9, b"k", "", b"")
    held = Held(sent, lambda: running.over.set())
    running = stream.Stream(held, app.http, ahead=4)
    running.run()
    app.service.close()
    assert [message.place for message, *_ in held.answers] == list(range(50))
    assert 1 <= held.most <= 4
    assert [status for _, status, *_ in held.answers[7:10]] == [422, 200, 415]
    assert "expected an .npz file" in json.loads(held.answers[7][3])["detail"][0]["msg"]
    assert json.loads(held.answers[8][3])["top"][0][0]["class"] == "c"
    others = [answer for answer in held.answers if answer[0].place not in (7, 8, 9)]
    assert all(status == 200 and right(message.place, body) for message, status, _, body in others)
    assert (running.done, running.failed) == (50, 2)


def test_a_message_that_the_model_does_not_answer_in_time_gets_that_as_its_answer(
    streaming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, stream, brokers = (
        importlib.import_module(name) for name in ("app", "serving.stream", "serving.brokers")
    )
    monkeypatch.setattr(app.service, "predict", lambda *_: Future())
    app.http.settings.timeout_s = 0.01
    held = Held([brokers.Message(0, b"k", TYPE, bodies(1)[0])] * 2, lambda: running.over.set())
    running = stream.Stream(held, app.http, ahead=2)
    running.run()
    assert [status for _, status, *_ in held.answers] == [504, 504]
    assert "did not answer within 0.01 seconds" in json.loads(held.answers[0][3])["detail"]


def test_what_cannot_be_followed_is_said_in_words(
    streaming: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream, brokers = (importlib.import_module(f"serving.{name}") for name in ("stream", "brokers"))

    class Unreachable(Exception):
        """As the clients of brokers have them."""

    def begun(url: str, *more: str) -> Any:
        return brokers.broker(url, *more) if url.startswith("redis") else _raise(Unreachable("nobody there"))

    redis = SimpleNamespace(type=lambda _: b"string")
    monkeypatch.setattr("redis.Redis.from_url", lambda _: redis)
    monkeypatch.setattr(stream, "broker", begun)
    for words, said in (
        (["kafka://x"], "nobody there"),
        (["redis://x", "--to", "requests"], "cannot both be in requests"),
        (["redis://x"], "predictions is a string in Redis, not a stream"),
    ):
        monkeypatch.setattr(sys, "argv", ["stream", *words])
        assert stream.main() == 2
        assert said in capsys.readouterr().err


def _raise(error: Exception) -> Any:
    raise error


def consumer(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "serving.stream", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_redis_a_killed_consumer_loses_nothing_and_holds_what_it_may(tmp_path: Path) -> None:
    if which("redis-server") is None:
        pytest.skip("NOT PROVEN: streaming over Redis. apt-get install redis-server")
    from redis import Redis

    port = free_port()
    folder = unpacked(table(tmp_path / "in"), ServiceParams(streaming=True), tmp_path / "made")
    server = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    with subprocess.Popen(server, cwd=tmp_path, stdout=subprocess.DEVNULL) as running:
        try:
            redis = Redis(port=port)
            until(lambda: _answers(redis))
            for number, body in enumerate(bodies(MESSAGES)):
                redis.xadd("requests", {"key": str(number), "type": TYPE, "body": body})
            arguments = f"redis://127.0.0.1:{port}", "--ahead", "8", "--name", "one"
            with consumer(folder, *arguments) as first:
                until(lambda: redis.xlen("predictions") >= 20)
                first.kill()
            assert 20 <= redis.xlen("predictions") < MESSAGES
            assert redis.xpending("requests", "predictors")["pending"] <= 8
            with consumer(folder, *arguments) as second:
                until(lambda: redis.xlen("predictions") >= MESSAGES)
                second.terminate()
                told = json.loads((second.communicate(timeout=60)[0]).splitlines()[-1])
            found = redis.xrange("predictions")
            assert redis.xpending("requests", "predictors")["pending"] == 0
        finally:
            running.kill()
    keys = [int(held[b"key"]) for _, held in found]
    assert sorted(keys) == list(range(MESSAGES))  # added and acknowledged at once: none is there twice
    assert all(right(int(held[b"key"]), held[b"body"]) and held[b"status"] == b"200" for _, held in found)
    assert told["refused"] == 0


def _answers(redis: Any) -> bool:
    try:
        return bool(redis.ping())
    except OSError:
        return False
    except Exception as error:
        if "Connection" in type(error).__name__:
            return False
        raise


@pytest.mark.slow
def test_kafka_offsets_are_committed_once_answered(tmp_path: Path) -> None:
    """Against the brokers that librdkafka itself has for tests: Kafka's protocol over TCP, not Kafka."""
    kafka = pytest.importorskip("confluent_kafka", reason="NOT PROVEN: streaming over Kafka")
    folder = unpacked(table(tmp_path / "in"), ServiceParams(streaming=True), tmp_path / "made")
    brokers = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
    servers = ",".join(
        f"{each.host}:{each.port}" for each in brokers.list_topics(timeout=30).brokers.values()
    )

    def send(numbers: range) -> None:
        for number in numbers:
            body = npz(features=ROW + number)
            brokers.produce("requests", body, str(number), headers=[("type", TYPE.encode())])
        assert brokers.flush(60) == 0

    reader = kafka.Consumer(
        {"bootstrap.servers": servers, "group.id": "readers", "auto.offset.reset": "earliest"}
    )
    reader.subscribe(["predictions"])
    found: dict[int, bytes] = {}

    def read(count: int) -> bool:
        for each in reader.consume(10, 0.2):
            if each.error() is None:
                found[int(each.key())] = each.value()
        return len(found) >= count

    arguments = f"kafka://{servers}", "--ahead", "4"
    send(range(30))
    with consumer(folder, *arguments) as first:
        assert until(lambda: read(30))
        first.kill()
    send(range(30, 60))
    with consumer(folder, *arguments) as second:
        assert until(lambda: read(60))
        second.terminate()
        told = json.loads((second.communicate(timeout=60)[0]).splitlines()[-1])
    reader.close()
    assert sorted(found) == list(range(60))
    assert all(right(number, body) for number, body in found.items())
    assert 30 <= told["answered"] <= 31  # all but the last that the first had answered was committed
