"""The wire format is read as Google's own library writes it, and refused where it is cut off."""

from __future__ import annotations

import pytest
from onnx import TensorProto

from core.formats.protobuf import LENGTH, fields

WRITTEN = TensorProto(
    dims=[300], name="weights", data_type=TensorProto.FLOAT, float_data=[1.0]
).SerializeToString()


def test_fields_are_those_of_the_message() -> None:
    held = {number: WRITTEN[begin:end] for number, wire, begin, end in fields(WRITTEN) if wire == LENGTH}
    assert held[TensorProto.NAME_FIELD_NUMBER] == b"weights"
    assert TensorProto.DATA_TYPE_FIELD_NUMBER in {number for number, *_ in fields(WRITTEN)}


@pytest.mark.parametrize("content", [WRITTEN[:-1], b"\x0b", b"\x09\x00", b"\xff" * 11])
def test_what_is_cut_off_or_none_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        list(fields(content))
