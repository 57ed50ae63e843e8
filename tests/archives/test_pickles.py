from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path

import pytest

from core.archives.pickles import SAFE_GLOBALS, UNKNOWN_NAME, stream_globals
from core.errors import CorruptFile, UnsafeUpload
from tests.archives.hostile import Runs, Writes

TARGET = Path("/nonexistent/never")


def names_in(data: bytes) -> set[str]:
    return stream_globals(io.BytesIO(data))


@pytest.mark.parametrize("protocol", range(6))
def test_names_are_found_in_every_protocol(protocol: int) -> None:
    assert names_in(pickle.dumps(Runs(TARGET), protocol)) == {"posix.system"}
    assert names_in(pickle.dumps(Writes(TARGET), protocol)) == {"builtins.exec"}
    two = [Runs(TARGET), collections.OrderedDict(a=Writes(TARGET)), Runs(TARGET)]
    assert names_in(pickle.dumps(two, protocol)) >= {"posix.system", "builtins.exec"}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_safe(protocol: int) -> None:
    value = {"a": [1, 2.5, None, "x", b"y", (True,)], "b": collections.OrderedDict(c=1)}
    assert names_in(pickle.dumps(value, protocol)) <= SAFE_GLOBALS or protocol == 0
    assert names_in(pickle.dumps(value, 2)) <= SAFE_GLOBALS


@pytest.mark.parametrize(
    "code",
    [
        b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x0bcollections\x8c\x0bOrderedDict00\x93.",  # both popped
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94000h\x00h\x01\x93.",  # through the memo
        b"\x80\x04]\x94\x8c\x06system\x93.",  # not a text below
        b"\x80\x02\x82\x01.",  # the extension registry
    ],
)
def test_names_cannot_be_hidden(code: bytes) -> None:
    names = names_in(code)
    assert names in ({UNKNOWN_NAME}, {"os.system"})
    assert names - SAFE_GLOBALS


def test_a_value_that_claims_gigabytes_is_not_read() -> None:
    with pytest.raises(UnsafeUpload, match="too long"):
        names_in(b"\x80\x02X" + (2**31).to_bytes(4, "little") + b"x")


@pytest.mark.parametrize("data", [b"", b"\x80", b"hello", b"\x80\x02]q\x00(", b"cos\nsystem\n", b"\xff" * 50])
def test_broken_pickles(data: bytes) -> None:
    with pytest.raises(CorruptFile):
        names_in(data)


def test_the_safe_names_are_torchs_own() -> None:
    from torch._weights_only_unpickler import _get_allowed_globals

    torchs = set(_get_allowed_globals())
    assert torchs >= SAFE_GLOBALS
    missing = {name for name in torchs - SAFE_GLOBALS if not name.endswith(("Tensor", "Storage"))}
    assert missing <= {"torch.bcomplex32"}, "torch rebuilds tensors by names that this list lacks"
