from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from core.errors import ChildCrashed, OutOfMemory, UnsupportedModel, WhetstoneError
from core.sandbox.protocol import decode, encode, error_of, failure, said_to_fail


def test_values_that_json_lacks() -> None:
    message = {
        "nan": math.nan,
        "inf": -math.inf,
        "path": Path("a/b"),
        "array": np.arange(3),
        "one": np.float32(0.5),
    }
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    got = decode(line)
    assert math.isnan(got.pop("nan"))
    assert got == {"inf": -math.inf, "path": "a/b", "array": [0, 1, 2], "one": 0.5}


@pytest.mark.parametrize("line", [b"", b"[]", b"3", b"{", b"\xff"])
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  JSON's own errors and ours are both of this class
        decode(line)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (UnsupportedModel("No inputs.", hint="Add one."), UnsupportedModel, "No inputs."),
        (MemoryError(), OutOfMemory, "Not enough memory"),
        (OSError(12, "Cannot allocate memory"), OutOfMemory, "Not enough memory"),
        (RuntimeError("std::bad_alloc"), OutOfMemory, "Not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            OutOfMemory,
            "Not enough memory",
        ),
        (KeyError("x"), ChildCrashed, "KeyError: 'x'"),
    ],
)
def test_errors_travel(error: Exception, kind: type[WhetstoneError], message: str) -> None:
    reply = decode(encode(asdict(failure(error))))
    arrived = error_of(said_to_fail(reply))
    assert type(arrived) is kind
    assert message in arrived.message
    assert type(error).__name__ in arrived.traceback
    if isinstance(error, WhetstoneError):
        assert arrived.hint == error.hint
