"""Health, readiness, metrics, prediction log and versions over HTTP, without a web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from serving.errors import Refused
from serving.http import Reply, refusal, reply_json
from serving.service import Service

METRICS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Asked:
    """A request; `name` is what stands for {name} in the path."""

    headers: Mapping[str, str]
    address: str
    body: bytes = b""
    name: str = ""


@dataclass(frozen=True)
class Route:
    """One address: `slow` ones are answered in a thread, and `takes` says that a body belongs to it."""

    method: str
    path: str
    answer: Callable[[Asked], Reply]
    slow: bool = False
    takes: bool = False

    @property
    def name(self) -> str:
        """A name for frameworks that want one."""
        return self.answer.__name__.strip("_")

    @property
    def told(self) -> str:
        """What it is, for people."""
        return self.answer.__doc__ or ""

    def __call__(self, asked: Asked) -> Reply:
        """Answer, or say why not."""
        try:
            return self.answer(asked)
        except Refused as error:
            return refusal(error)


class Management:
    """The addresses that a service has besides predictions, by what was chosen.

    Args:
        service: That they tell of.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.routes = [Route("GET", "/health", self._health), Route("GET", "/ready", self._ready)]
        if service.metrics is not None:
            self.routes.append(Route("GET", "/metrics", self._metrics))
        if service.predictions is not None:
            self.routes.append(Route("GET", "/watch", self._watch, slow=True))
            self.routes.append(Route("POST", "/labels", self._labels, slow=True, takes=True))
        if service.settings.has("versions"):
            self.routes += [
                Route("GET", "/versions", self._versions, slow=True),
                Route("POST", "/versions/{name}/activate", self._activate, slow=True),
                Route("POST", "/versions/rollback", self._roll_back, slow=True),
            ]
        if service.settings.has("canary"):
            self.routes += [
                Route("GET", "/canary", self._canary, slow=True),
                Route("POST", "/canary/{name}/start", self._start_canary, slow=True),
                Route("POST", "/canary/promote", self._promote, slow=True),
                Route("POST", "/canary/rollback", self._roll_back_canary, slow=True),
            ]
        if service.settings.has("shadow"):
            self.routes.append(Route("GET", "/shadow", self._shadow))

    def _health(self, _: Asked) -> Reply:
        """Say that the process lives."""
        return reply_json({"status": "alive"})

    def _ready(self, _: Asked) -> Reply:
        """Say whether the model is loaded and gave the outputs of the measurement for the golden inputs."""
        found, state = self._service.state()
        return reply_json(state, 200 if found else 503)

    def _metrics(self, _: Asked) -> Reply:
        """Return metrics for Prometheus."""
        return Reply(200, self._service.exposition(), METRICS)

    def _watch(self, asked: Asked) -> Reply:
        """Return traffic, latency, predictions against the evaluation data, drift and alerts."""
        self._service.admit(asked.headers, asked.address)
        return reply_json(self._log.report())

    def _labels(self, asked: Asked) -> Reply:
        """Take true labels by the X-Request-Id of predictions: {"labels": [{"id": …, "label": …}]}."""
        self._service.admit(asked.headers, asked.address)
        return reply_json(self._log.label(asked.body))

    @property
    def _log(self) -> Any:
        return self._service.predictions

    def _versions(self, asked: Asked) -> Reply:
        """Return the versions that are there, and which one answers."""
        return self._changed(asked, lambda _: None)

    def _activate(self, asked: Asked) -> Reply:
        """Let a version answer, once it is loaded and gave its golden outputs."""
        return self._changed(asked, lambda versions: versions.activate(asked.name))

    def _roll_back(self, asked: Asked) -> Reply:
        """Let the version before answer again."""
        return self._changed(asked, lambda versions: versions.roll_back())

    def _canary(self, asked: Asked) -> Reply:
        """Return both arms of the canary, and how they differ."""
        self._service.admit(asked.headers, asked.address)
        return reply_json(self._arms.report())

    def _start_canary(self, asked: Asked) -> Reply:
        """Let a share of the callers get a version."""
        return self._split(asked, lambda arms: arms.start(asked.name))

    def _promote(self, asked: Asked) -> Reply:
        """Let the canary answer everybody."""
        return self._split(asked, lambda arms: arms.promote())

    def _roll_back_canary(self, asked: Asked) -> Reply:
        """Let the canary answer nobody."""
        return self._split(asked, lambda arms: arms.roll_back())

    def _split(self, asked: Asked, change: Callable[[Any], None]) -> Reply:
        self._service.changing(self._service.admit(asked.headers, asked.address))
        change(self._arms)
        return reply_json(self._arms.report())

    @property
    def _arms(self) -> Any:
        return self._service.canary

    def _shadow(self, asked: Asked) -> Reply:
        """Return how the answers of the shadowing version differ."""
        self._service.admit(asked.headers, asked.address)
        return reply_json(self._service.shadow.report() if self._service.shadow is not None else {})

    def _changed(self, asked: Asked, change: Callable[[Any], None]) -> Reply:
        versions = self._service.changing(self._service.admit(asked.headers, asked.address))
        change(versions)
        return reply_json({"active": self._service.active.name, "versions": versions.names()})
