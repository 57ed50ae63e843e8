"""A small ExecuTorch program made by hand: one plan with a delegate, whose data lie in a segment."""

from __future__ import annotations

import struct

import flatbuffers

HEADER = 32
DATA = b"w" * 16


def program(
    delegate: str = "XnnpackBackend", plans: int = 1, length: int = len(DATA), index: int = 0, reads: int = 0
) -> bytes:
    """Return a file whose one segment claims `length` bytes and holds 16."""
    builder = flatbuffers.Builder(256)
    name = builder.CreateString(delegate)
    builder.StartObject(2)
    builder.PrependInt8Slot(0, 1, 0)
    builder.PrependUint32Slot(1, index, 0)
    processed = builder.EndObject()
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(1, processed, 0)
    delegates = _vector(builder, [builder.EndObject()])
    builder.StartObject(1)
    values = _vector(builder, [builder.EndObject()])
    builder.StartVector(4, 1, 4)
    builder.PrependInt32(reads)
    inputs = builder.EndVector()
    builder.StartObject(9)
    for slot, part in ((2, values), (3, inputs), (4, inputs), (7, delegates)):
        builder.PrependUOffsetTRelativeSlot(slot, part, 0)
    plan = builder.EndObject()
    plan_list = _vector(builder, [plan] * plans)
    builder.StartObject(2)
    builder.PrependUint64Slot(1, length, 0)
    segments = _vector(builder, [builder.EndObject()])
    builder.StartObject(8)
    builder.PrependUOffsetTRelativeSlot(1, plan_list, 0)
    builder.PrependUOffsetTRelativeSlot(4, segments, 0)
    builder.Finish(builder.EndObject(), b"ET12")
    return _headed(bytes(builder.Output())) + DATA


def _vector(builder: flatbuffers.Builder, parts: list[int]) -> int:
    builder.StartVector(4, len(parts), 4)
    for part in reversed(parts):
        builder.PrependUOffsetTRelative(part)
    return int(builder.EndVector())


def _headed(made: bytes) -> bytes:
    """Put the header behind the identifier, as ExecuTorch does."""
    root = struct.unpack_from("<I", made)[0] + HEADER
    base = len(made) + HEADER
    header = b"eh00" + struct.pack("<IQQQ", HEADER, base, base, len(DATA))
    return struct.pack("<I", root) + made[4:8] + header.ljust(HEADER, b"\0") + made[8:]
