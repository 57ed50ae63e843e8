"""Predictions over HTTP without a web framework: bodies to arrays, answers to bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serving.bodies import Bodies, Incoming
from serving.call import Call
from serving.errors import Refused
from serving.inputs import Feed, from_npz
from serving.outputs import as_json, as_npz, best_classes
from serving.schema import feed_of, openapi_schema, request_model
from serving.service import Service
from serving.worker import Answer

NPZ, JSON = ("application/x-npz", "application/octet-stream"), "application/json"
MOST_BODIES = 16
"""Bodies of the largest size whose bytes may be held at once."""
QUICK_JSON, QUICK_NPZ = 32_768, 4_000_000
"""Bytes that are checked in no time: an event loop need not hand them to a thread."""


@dataclass
class Reply:
    """An answer over HTTP."""

    status: int
    body: bytes
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def reply_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return an answer in JSON."""
    return Reply(status, json.dumps(value, separators=(",", ":")).encode(), headers=headers or {})


def refusal(error: Refused) -> Reply:
    """Return the answer that says why not."""
    return reply_json(error.body, error.status, error.headers)


class Http:
    """What all requests over HTTP share.

    Args:
        service: That answers.
    """

    def __init__(self, service: Service) -> None:
        self.service, self.settings = service, service.settings
        self.model = request_model(self.settings)
        self.bodies = Bodies(MOST_BODIES * self.settings.max_body_bytes)

    def incoming(self, kind: str = "") -> Incoming:
        """Return the body of a request of a type, to come; JSON, which is slow to read, is bounded apart."""
        largest, json_most = self.settings.max_body_bytes, self.settings.max_json_bytes
        if kind != JSON or largest <= json_most:
            return Incoming(self.bodies, largest)
        instead = f" JSON takes no more; {NPZ[0]} takes {largest:,} bytes and is the fast way."
        return Incoming(self.bodies, json_most, instead)

    def content(self) -> dict[str, Any]:
        """Return what a request may be, by its type, as OpenAPI describes it."""
        binary = {"type": "string", "format": "binary"}
        found: dict[str, Any] = {
            JSON: {"schema": openapi_schema(self.model)},
            NPZ[0]: {"schema": {**binary, "description": "numpy.savez: one array per input"}},
        }
        if self.settings.picture is not None:
            form = {"type": "object", "properties": {"image": binary}}
            found |= {"multipart/form-data": {"schema": form}, "image/*": {"schema": binary}}
        return found


class HttpCall(Call):
    """A request for a prediction over HTTP. Its answer is `reply` once the ``with`` is over.

    Args:
        http: What all requests share.
        headers: Of the request, by lower-case name.
        address: Of the caller.
    """

    def __init__(self, http: Http, headers: Mapping[str, str], address: str) -> None:
        super().__init__(http.service, headers, address)
        self.http = http
        self.kind = self.kind_of(headers)
        self.incoming = http.incoming(self.kind)
        self.reply = Reply(500, b"")
        self._placed: Any = None

    def kind_of(self, headers: Mapping[str, str]) -> str:
        """Return the type of the body."""
        return headers.get("content-type", "").split(";")[0].strip().lower()

    def refusal(self, error: Refused) -> Reply:
        """Return the answer that says why not."""
        return refusal(error)

    def __exit__(self, *raised: Any) -> bool:
        """End the record; what was refused becomes the reply."""
        self.incoming.end()
        refused = super().__exit__(*raised)
        if self.refused is not None:
            self.reply = self.refusal(self.refused)
        self.reply.headers["X-Request-Id"] = self.record.id
        return refused

    @property
    def quick(self) -> bool:
        """Whether the body that came is checked in no time."""
        quick = QUICK_NPZ if self.kind in NPZ else QUICK_JSON if self.kind == JSON else 0
        return self.incoming.bytes <= quick

    def validate(self, body: bytes) -> Feed:
        """Return the checked inputs.

        Raises:
            Refused: They do not fit, or are of a type that is not taken.
        """
        with self.record.stage("validate"):
            return self.feed(body)

    def feed(self, body: bytes) -> Feed:
        """Return the checked inputs in a body, see `validate`."""
        settings = self.http.settings
        if self.kind in NPZ:
            return from_npz(settings, body)
        if self.kind == JSON:
            return feed_of(self.http.model, settings, body)
        if settings.picture is not None and self.kind.startswith(("image/", "multipart/form-data")):
            from serving.images import read_image, uploaded

            image = body if self.kind.startswith("image/") else uploaded(self.headers["content-type"], body)
            array, self._placed = read_image(image, settings.picture)
            return {settings.picture.input: array}
        taken = ", ".join(self.http.content())
        raise Refused(415, f"Send one of {taken} and say which in the header Content-Type.")

    def answered(self, answer: Answer) -> Answer:
        """Take note of an answer and put it into the form that was asked for."""
        super().answered(answer)
        with self.record.stage("encode"):
            self.reply = self.encoded(answer)
        self.reply.headers |= {"X-Model-Version": answer.version, "Server-Timing": self.record.server_timing}
        self.reply.headers |= {"X-Fallback": "1"} if answer.fallback else {}
        return answer

    def encoded(self, answer: Answer) -> Reply:
        """Return an answer in the form that was asked for.

        Raises:
            Refused: That cannot be.
        """
        accepts, settings = self.headers.get("accept", "*/*"), self.http.settings
        if any(each in accepts for each in NPZ) or (self.kind in NPZ and "json" not in accepts):
            return Reply(200, as_npz(answer.outputs), NPZ[0])
        told: dict[str, Any] = {"version": answer.version}
        if settings.scores:
            told["top"] = best_classes(settings, answer.outputs)
        if settings.detects:
            told["detections"] = self._detections(answer)
        named = self._placed is not None and len(told) > 1
        return Reply(200, as_json(settings, {} if named else answer.outputs, told))

    def _detections(self, answer: Answer) -> list[list[dict[str, Any]]]:
        """Return the boxes of each picture, in pixels of the picture that was sent."""
        kit, found = self.service.kit, []
        how = kit.manifest["detections"]
        for table in kit.predict.detections(answer.outputs):
            boxes = []
            for *corners, score, number in table[table[:, 4] >= how["least"]].tolist():
                x1, y1, x2, y2 = corners
                if self._placed is not None:
                    (x1, y1), (x2, y2) = self._placed.back(x1, y1), self._placed.back(x2, y2)
                name = how["classes"].get(str(int(number)), str(int(number)))
                boxes.append({"class": name, "score": score, "box": [x1, y1, x2, y2]})
            found.append(boxes)
        return found
