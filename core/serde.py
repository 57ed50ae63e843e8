"""Domain values to JSON and back."""

from __future__ import annotations

import hashlib
import os
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_json(value: Any) -> str:
    """Return `value`, a dataclass or plain value, as compact JSON."""
    return msgspec.json.encode(value).decode()


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Return the `kind` that `to_json` wrote."""
    return msgspec.json.decode(text, type=kind)


def to_plain(value: Any) -> Any:
    """Return `value` as dicts, lists and scalars; paths become text."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_text_of)


def from_plain(value: Any, kind: type[T]) -> T:
    """Return the `kind` that `to_plain` took apart."""
    return msgspec.convert(value, kind, strict=False, dec_hook=_made_of)


def digest(*values: Any) -> str:
    """Return a hex SHA-256 of `values`, stable across processes and key order."""
    return hashlib.sha256(msgspec.json.encode(values, order="sorted")).hexdigest()


def _text_of(value: Any) -> str:
    if isinstance(value, PurePath):
        return os.fspath(value)
    raise NotImplementedError(f"{type(value).__name__} has no plain form")


def _made_of(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, PurePath):
        return kind(value)
    raise NotImplementedError(f"{kind.__name__} has no plain form")
