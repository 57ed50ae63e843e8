"""Streaming: takes messages from Redis streams or Kafka, and sends a prediction for each.

    python -m serving.stream redis://localhost:6379/0 --from requests --to predictions
    python -m serving.stream kafka://localhost:9092 --from requests --to predictions

A message is what `POST /predict` takes: a body, and its type. No more are taken than `--ahead` at once, so
that what cannot be done yet waits with the broker. A message that the model refuses gets its error as the
answer. SIGTERM ends it: what was taken is answered first. What was taken and not answered is delivered again,
to it or to another consumer of the group.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event
from time import perf_counter
from typing import Any

from serving.brokers import Broker, Message, broker
from serving.errors import Refused
from serving.http import Http, HttpCall, refusal
from serving.service import Service
from serving.settings import Settings
from serving.worker import Answer

WAIT_S, SHOWN_S = 0.5, 5.0


@dataclass
class Taken:
    """A message that is being answered; without a future it was refused already."""

    message: Message
    call: HttpCall
    future: Future[Answer] | None = None

    def end(self, error: Exception | None = None) -> None:
        """End the call. A message that nobody foresaw gets an answer, too: again it would do no better."""
        self.call.__exit__(type(error) if error is not None else None, error, None)
        if error is not None and self.call.refused is None:
            print(f"A message could not be answered: {error!r}", file=sys.stderr)
            self.call.reply = refusal(Refused(500, "The message could not be answered."))


@dataclass
class Stream:
    """Answers messages in the order in which they came, `ahead` at once at most."""

    broker: Broker
    http: Http
    ahead: int
    over: Event = field(default_factory=Event)
    done: int = 0
    failed: int = 0
    _waiting: deque[Taken] = field(default_factory=deque)

    def run(self) -> None:
        """Go on until `over` is set, then answer what was taken."""
        began = shown = perf_counter()
        while not self.over.is_set():
            room = self.ahead - len(self._waiting)
            for message in self.broker.take(room, 0.001 if self._waiting else WAIT_S) if room else []:
                self._waiting.append(self._begun(message))
            while self._waiting and (len(self._waiting) >= self.ahead or _is_done(self._waiting[0])):
                self._finish(self._waiting.popleft())
            if perf_counter() - shown > SHOWN_S:
                shown = perf_counter()
                per_s = self.done / (shown - began)
                print(f"{self.done:,} answered, {self.failed:,} refused, {per_s:,.1f}/s", file=sys.stderr)
        while self._waiting:
            self._finish(self._waiting.popleft())

    def _begun(self, message: Message) -> Taken:
        headers = {"content-type": message.kind, "x-split-key": message.key.hex()}
        taken = Taken(message, HttpCall(self.http, headers, "stream"))
        try:
            taken.call.incoming.hold(len(message.body))
            taken.future = taken.call.ask(taken.call.validate(message.body))
        except Exception as error:
            taken.end(error)
        return taken

    def _finish(self, taken: Taken) -> None:
        if taken.future is not None:
            try:
                taken.call.answered(taken.future.result(self.http.settings.timeout_s))
            except TimeoutError:
                taken.end(taken.call.late())
            except Exception as error:
                taken.end(error)
            else:
                taken.end()
        reply = taken.call.reply
        self.broker.answer(taken.message, reply.status, reply.kind, reply.body)
        self.done += 1
        self.failed += reply.status != 200


def _is_done(taken: Taken) -> bool:
    return taken.future is None or taken.future.done()


def main() -> int:
    """Answer messages until it is ended."""
    parser = argparse.ArgumentParser(description="Predict what comes in a stream.")
    parser.add_argument("url", help="redis://host:port/number or kafka://host:port")
    parser.add_argument("--from", dest="source", default="requests", help="stream or topic (requests)")
    parser.add_argument("--to", dest="target", default="predictions", help="stream or topic (predictions)")
    parser.add_argument(
        "--group", default="predictors", help="consumers that share the messages (predictors)"
    )
    parser.add_argument("--name", help="of this consumer; the same one goes on with what it had")
    parser.add_argument("--ahead", type=int, default=32, help="messages that it has at once, at most (32)")
    options, settings = parser.parse_args(), Settings.read()
    kept = [name for name in settings.features if name not in ("auth", "rate_limit")]
    service = Service(settings.model_copy(update={"features": kept}))
    service.start()
    told: dict[str, Any] = {}
    try:
        service.active.ready.result()
        name = options.name or f"{socket.gethostname()}-{os.getpid()}"
        source = broker(options.url, options.source, options.target, options.group, name)
        stream = Stream(source, Http(service), min(options.ahead, settings.max_waiting))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stream.over.set())
        stream.run()
        source.close()
        told = {"answered": stream.done, "refused": stream.failed}
    except Exception as error:  # brokers have classes of their own for what befalls them
        print(f"{parser.prog}: {error or type(error).__name__}", file=sys.stderr)
        print("Begun again, it gets what was taken and not answered.", file=sys.stderr)
        return 2
    finally:
        service.close()
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
