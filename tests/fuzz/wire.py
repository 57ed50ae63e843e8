"""Protobuf's wire format, taken apart and put together again around one change."""

from __future__ import annotations

import random

Field = tuple[int, int, "int | bytes"]
VARINTS = (0, 1, 2, 6, 10, 127, 128, 65_535, 2**31 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("no varint")


def fields(data: bytes) -> list[Field]:
    """Return number, wire type and value of each field; raises ValueError or IndexError on other bytes."""
    found: list[Field] = []
    at = 0
    while at < len(data):
        key, at = _read(data, at)
        number, kind = key >> 3, key & 7
        if number == 0 or kind not in (0, 1, 2, 5):
            raise ValueError("no message")
        if kind == 0:
            value, at = _read(data, at)
            found.append((number, kind, value))
            continue
        size, at = _read(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        if at + size > len(data):
            raise ValueError("too short")
        found.append((number, kind, data[at : at + size]))
        at += size
    return found


def join(parts: list[Field]) -> bytes:
    out = bytearray()
    for number, kind, value in parts:
        out += varint(number << 3 | kind)
        if isinstance(value, int):
            out += varint(value)
        else:
            out += (varint(len(value)) if kind == 2 else b"") + value
    return bytes(out)


def change_message(data: bytes, chance: random.Random) -> bytes:
    """Change one field of a message or, as likely, of one inside it; lengths stay right half of the time."""
    try:
        parts = fields(data)
    except (ValueError, IndexError):
        parts = []
    if not parts:
        return chance.randbytes(chance.randrange(9))
    at = chance.randrange(len(parts))
    number, kind, value = parts[at]
    if isinstance(value, bytes) and kind == 2 and len(value) < 2_000_000 and chance.random() < 0.8:
        parts[at] = (number, kind, change_message(value, chance))
        return join(parts)
    match chance.randrange(6):
        case 0:
            del parts[at]
        case 1:
            parts.insert(at, parts[at])
        case 2:
            parts[at] = (chance.randrange(1, 30), kind, value)
        case 3:
            other = chance.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        case 4 if isinstance(value, bytes):
            return join(parts[:at]) + varint(number << 3 | 2) + varint(chance.choice(VARINTS)) + value
        case _:
            parts[at] = (number, 0, chance.choice(VARINTS))
    return join(parts)
