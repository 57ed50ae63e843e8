"""Validation of answers: what a working process sends is untrusted input."""

from __future__ import annotations

from math import isfinite
from typing import Any, TypeVar

import msgspec

from core.errors import UnsafeUpload
from core.sandbox.protocol import Message
from core.serde import from_plain
from core.texts import one_line

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
DEEPEST = 32
_LARGEST = 2**63


def made_of(value: Any, kind: type[T]) -> T:
    """Return the `kind` that a part of an answer describes.

    Raises:
        UnsafeUpload: A value is missing or of another type, not finite, too large, or nested too deep.
    """
    try:
        _check(value)
        return from_plain(value, kind)
    except (ValueError, TypeError) as error:
        raise unusable(str(error)) from error


def figures(answer: Message, kind: type[S]) -> S:
    """Return an answer, a struct of finite numbers and lists of them.

    Raises:
        UnsafeUpload: It holds anything else.
    """
    try:
        # Not value by value, as in `made_of`: the stopwatch asks for thousands, many times a second.
        found = from_plain(answer, kind)
        finite = all(
            all(map(isfinite, value)) if isinstance(value, list) else isfinite(value)
            for value in msgspec.structs.astuple(found)
        )
    except (ValueError, OverflowError) as error:
        raise unusable(str(error)) from error
    if not finite:
        raise unusable("a number in it is not finite")
    return found


def lines(value: Any) -> Any:
    """Return plain values with every text in them on one line, see `core.texts.one_line`."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(str(key)): lines(each) for key, each in value.items()}
    return [lines(each) for each in value] if isinstance(value, list | tuple) else value


def unusable(why: str) -> UnsafeUpload:
    """Return the error over an answer that cannot be used."""
    return UnsafeUpload(
        f"The working process gave an answer that cannot be used: {one_line(why, 200)}.",
        hint="Try again. If it stays so the file may be hostile; do not trust it.",
    )


def _check(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError("its values are nested too deep")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a number in it is not finite")
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise ValueError("a number in it is too large")
    for each in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    ):
        _check(each, depth + 1)
