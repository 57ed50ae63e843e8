"""The Open Inference Protocol over HTTP: JSON with arrays inside, or behind it as bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from serving.errors import Refused, invalid
from serving.http import JSON, NPZ, Http, HttpCall, Reply, reply_json
from serving.inputs import Array, Feed, checked_feed, numbers
from serving.on_grpc import array_of, bytes_of
from serving.settings import Settings, Tensor
from serving.worker import Answer

TYPES = {
    **{"bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64"},
    **{"int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64"},
    **{"float16": "FP16", "float32": "FP32", "float64": "FP64"},
}
"""The protocol's types by NumPy's names."""
NAMES = {theirs: ours for ours, theirs in TYPES.items()}
HEAD = "inference-header-content-length"
"""Bytes of the JSON in front of arrays."""


def metadata(settings: Settings, versions: list[str]) -> dict[str, Any]:
    """Return what the protocol tells of a model."""
    return {
        "name": settings.model,
        "versions": versions,
        "platform": "whetstone",
        "inputs": [_told(spec) for spec in settings.inputs],
        "outputs": [_told(spec) for spec in settings.outputs],
    }


def _told(spec: Tensor) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else -1 for size in spec.shape]
    return {"name": spec.name, "datatype": TYPES.get(spec.dtype, spec.dtype), "shape": shape}


def dtype_of(datatype: Any) -> str:
    """Return NumPy's name of a type.

    Raises:
        ValueError: There is no such type, or none of numbers.
    """
    if not isinstance(datatype, str) or datatype not in NAMES:
        raise ValueError(f"expected a datatype of {', '.join(NAMES)}")
    return NAMES[datatype]


class V2Call(HttpCall):
    """A request for a prediction as the protocol has it.

    Args:
        http: What all requests share.
        headers: Of the request, by lower-case name.
        address: Of the caller.
    """

    def __init__(self, http: Http, headers: Mapping[str, str], address: str) -> None:
        super().__init__(http, headers, address)
        self._asked: dict[str, Any] = {}

    def kind_of(self, headers: Mapping[str, str]) -> str:
        """Return whether arrays come behind the JSON, and may be large."""
        return NPZ[1] if headers.get(HEAD) else JSON

    def refusal(self, error: Refused) -> Reply:
        """Return the answer that says why not."""
        return reply_json({"error": error.told}, 400 if error.status == 422 else error.status, error.headers)

    def feed(self, body: bytes) -> Feed:
        """Return the checked inputs."""
        head, raw = self._parts(body)
        self._asked = head
        inputs = head.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
            raise invalid('expected {"inputs": [{"name": …, "datatype": …, "shape": […], "data": […]}]}')
        named, at = list[tuple[str, Callable[[], Array]]](), 0
        for each in inputs:
            if not isinstance(each.get("name"), str):
                raise invalid("expected a name, in quotes, of each input", "inputs")
            size = _mapping(each, "parameters").get("binary_data_size")
            if size is None:
                named.append((each["name"], partial(self._listed, each)))
                continue
            if not isinstance(size, int) or size < 0:
                raise invalid("expected a binary_data_size of bytes", "inputs")
            named.append((each["name"], partial(_raw, each, bytes(raw[at : at + size]))))
            at += size
        if at != len(raw):
            raise invalid(f"the arrays are said to have {at:,} bytes, and {len(raw):,} came", "inputs")
        return checked_feed(self.http.settings, named)

    def _parts(self, body: bytes) -> tuple[dict[str, Any], memoryview]:
        length = self.headers.get(HEAD) or str(len(body))
        if not length.isdecimal() or len(length) > 12 or int(length) > len(body):
            raise invalid("expected the length of the JSON in front", "header", HEAD)
        if int(length) > self.http.settings.max_json_bytes:
            raise Refused(413, "The JSON is too long. Send arrays behind it, as the protocol's clients do.")
        try:
            head = json.loads(body[: int(length)])
        except (ValueError, RecursionError) as error:
            raise invalid("expected JSON, in UTF-8") from error
        if not isinstance(head, dict):
            raise invalid('expected {"inputs": […]}')
        return head, memoryview(body)[int(length) :]

    def _listed(self, each: dict[str, Any]) -> Array:
        spec = next(spec for spec in self.http.settings.inputs if spec.name == each["name"])
        dtype = dtype_of(each.get("datatype"))
        if dtype != spec.dtype:
            raise ValueError(f"expected the datatype {TYPES.get(spec.dtype)}, got {each['datatype']}")
        return numbers(spec, each.get("data")).reshape(_shape(each))

    def encoded(self, answer: Answer) -> Reply:
        """Return outputs in JSON, or behind it those that were asked for in binary."""
        wanted = self._asked.get("outputs") or [{"name": name} for name in answer.outputs]
        whole = _mapping(self._asked, "parameters").get("binary_data_output") is True
        told, raw, listed = dict[str, dict[str, Any]](), list[bytes](), 0
        for each in wanted if isinstance(wanted, list) else []:
            name = each.get("name") if isinstance(each, dict) else None
            if not isinstance(name, str) or name not in answer.outputs:
                raise invalid(f"unknown output; this model gives {', '.join(answer.outputs)}", "outputs")
            if name in told:
                raise invalid("this output is asked for twice", "outputs", name)
            value = answer.outputs[name]
            one = {"name": name, "datatype": TYPES[value.dtype.name], "shape": list(value.shape)}
            if _mapping(each, "parameters").get("binary_data", whole) is True:
                raw.append(bytes_of(value))
                told[name] = {**one, "parameters": {"binary_data_size": len(raw[-1])}}
            else:
                listed += value.size
                told[name] = {**one, "data": _finite(value).ravel().tolist()}
        most = self.http.settings.max_json_numbers
        if listed > most:
            raise Refused(
                406, f"The outputs have {listed:,} numbers, too many for JSON. Ask for binary_data."
            )
        head = {
            "model_name": self.http.settings.model,
            "model_version": answer.version,
            "outputs": [*told.values()],
        }
        head |= {"id": self._asked["id"]} if isinstance(self._asked.get("id"), str) else {}
        said = json.dumps(head).encode()
        if not raw:
            return Reply(200, said)
        return Reply(200, b"".join([said, *raw]), NPZ[1], {"Inference-Header-Content-Length": str(len(said))})


def _mapping(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _shape(each: dict[str, Any]) -> list[int]:
    shape = each.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("expected a shape of whole numbers")
    return shape


def _raw(each: dict[str, Any], data: bytes) -> Array:
    return array_of(dtype_of(each.get("datatype")), _shape(each), data)


def _finite(value: Array) -> Array:
    """Return an array whose numbers JSON knows: null for others."""
    if value.dtype.kind != "f" or np.isfinite(value).all():
        return value
    known = value.astype(object)
    known[~np.isfinite(value)] = None
    return known
