"""Errors survive the way through plain values, and no two kinds share a code."""

from __future__ import annotations

import pytest

from core.errors import ErrorRecord, WhetstoneError, from_record


def kinds(root: type[WhetstoneError]) -> list[type[WhetstoneError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds(WhetstoneError))
def test_an_error_comes_back_as_its_own_kind(kind: type[WhetstoneError]) -> None:
    error = from_record(kind("what", hint="do", traceback="where").to_record("stage"))
    assert type(error) is kind
    assert (error.message, error.hint, error.traceback) == ("what", "do", "where")


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in kinds(WhetstoneError)]
    assert len(codes) == len(set(codes))


def test_an_unknown_code_still_speaks() -> None:
    assert from_record(ErrorRecord("from_the_future", "what")).message == "what"
