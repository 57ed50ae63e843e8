"""The lines of JSON that parent and child exchange."""

from __future__ import annotations

import errno
import json
import os
import traceback
from pathlib import PurePath
from typing import Any

from core.errors import ChildCrashed, ErrorRecord, OutOfMemory, WhetstoneError, from_record
from core.texts import detail, one_line

Message = dict[str, Any]

# How the libraries word a failed allocation when they raise something else than MemoryError.
_MEMORY_WORDS = ("can't allocate memory", "cannot allocate memory", "failed to allocate memory", "bad_alloc")
MEMORY_HINT = "Try a smaller model or batch, or raise WHETSTONE_CHILD_MEMORY_BYTES."


def encode(message: Message) -> bytes:
    """Return one line; NaN and infinities survive, paths become text, arrays become lists.

    Raises:
        TypeError: A value has no JSON form.
    """
    return json.dumps(message, default=plain).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of one line.

    Raises:
        ValueError: The line is not a JSON object.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("the reply is not a JSON object")
    return message


def plain(value: object) -> object:
    """Return the JSON form of a value that JSON itself has none for.

    Raises:
        TypeError: It has none either.
    """
    if isinstance(value, PurePath):
        return os.fspath(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be sent between processes")


def speaks_of_memory(text: str) -> bool:
    """Return whether an error text is about a failed allocation."""
    return any(words in text.lower() for words in _MEMORY_WORDS)


def failure(error: BaseException) -> ErrorRecord:
    """Return an error of a working process as plain values, its traceback included."""
    trace = "".join(traceback.format_exception(error))
    known: WhetstoneError
    if isinstance(error, WhetstoneError):
        known = error
    elif _is_memory(error):
        known = OutOfMemory(f"Not enough memory for this step: {_last_line(error)}.", hint=MEMORY_HINT)
    else:
        known = ChildCrashed(_last_line(error), hint="The technical detail has the whole story.")
    known.traceback = known.traceback or trace
    return known.to_record()


def said_to_fail(reply: Message) -> ErrorRecord:
    """Return the record in a reply, of which the texts are taken; what is missing in it is empty."""

    def text(name: str) -> str:
        return str(reply.get(name, ""))

    told = text("code"), text("message"), text("hint"), text("stage")
    return ErrorRecord(*told, traceback=text("traceback"), instead=text("instead"))


def error_of(record: ErrorRecord) -> WhetstoneError:
    """Return the error that `failure` made a record of, in the class that the process raised."""
    code, message, hint = one_line(record.code, 100), one_line(record.message), one_line(record.hint)
    trace, instead = detail(record.traceback), one_line(record.instead, 100)
    return from_record(ErrorRecord(code, message, hint, traceback=trace, instead=instead))


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return speaks_of_memory(str(error))


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()
