"""Ways to break a file: seeded, and aware of the format, so that the damage gets past checksums."""

from __future__ import annotations

import json
import pickle
import pickletools
import random
import re
from collections.abc import Callable
from typing import Any

from tests.fuzz.wire import change_message

Change = Callable[[bytes, random.Random], bytes]
NUMBERS = (0, 1, -1, 2, 7, 127, 128, 255, 65_535, 2**31 - 1, -(2**31), 2**32, 2**62, 2**63 - 1)
VALUES = (None, True, "", "../x", "aten::nothing", [], {}, 1.5, *NUMBERS)
DTYPES = (b"<f4", b"|O", b"<f2", b">f8", b"<M8[s]", b"|S9", b"<U4", b"|b1", b"<c8", b"|V16", b"<i8", b"abc")


def flip_bits(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 64))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncate(data: bytes, chance: random.Random) -> bytes:
    at = chance.choice((chance.randrange(len(data)), chance.randrange(min(len(data), 200))))
    return data[: max(1, at)]


def splice(data: bytes, chance: random.Random) -> bytes:
    start, size, at = (chance.randrange(len(data)) for _ in range(3))
    piece = data[start : start + size % chance.choice((8, 300, 20_000))]
    gone = chance.choice((0, len(piece), chance.randrange(100)))
    return (data[:at] + piece + data[at + gone :]) or b"x"


def overwrite(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    filling = chance.choice((bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x80" * 10, chance.randbytes(16)))
    return data[:at] + filling + data[at + len(filling) :]


GENERIC: tuple[Change, ...] = (flip_bits, truncate, splice, overwrite)


def change_anything(data: bytes, chance: random.Random) -> bytes:
    return chance.choice(GENERIC)(data, chance) if data else b"x"


def change_json(data: bytes, chance: random.Random) -> bytes:
    """Change, drop or add one value somewhere in a JSON document."""
    root = json.loads(data)
    places: list[tuple[Any, Any]] = []
    _places(root, places)
    if not places:
        return b"[]"
    holder, key = chance.choice(places)
    match chance.randrange(5):
        case 0:
            del holder[key]
        case 1:
            holder[key] = [holder[key]] * chance.choice((1, 3, 50))
        case 2:
            other, name = chance.choice(places)
            holder[key] = json.loads(json.dumps(other[name]))
        case _:
            holder[key] = chance.choice(VALUES)
    return json.dumps(root).encode()


def _places(node: Any, found: list[tuple[Any, Any]]) -> None:
    keys = range(len(node)) if isinstance(node, list) else list(node) if isinstance(node, dict) else []
    for key in keys:
        found.append((node, key))
        _places(node[key], found)


def change_pickle(data: bytes, chance: random.Random) -> bytes:
    """Swap, drop or repeat opcodes, or change their arguments."""
    ops = [(op, argument, at or 0) for op, argument, at in pickletools.genops(data)]
    ends = [at for _, _, at in ops[1:]] + [len(data)]
    pieces = [data[at:end] for (_, _, at), end in zip(ops, ends, strict=True)]
    at = chance.randrange(len(pieces))
    match chance.randrange(5):
        case 0:
            pieces[at] = b""
        case 1:
            other = chance.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case 2:
            pieces[at] *= chance.choice((2, 100))
        case 3:
            pieces[at] = chance.choice(pickletools.opcodes).code.encode("latin1") + pieces[at][1:]
        case _:
            numbers = [i for i, (op, _, _) in enumerate(ops) if "INT" in op.name]
            at = chance.choice(numbers or [at])
            pieces[at] = pickle.dumps(chance.choice(NUMBERS), 2)[2:-1]
    return b"".join(pieces)


def change_npy(data: bytes, chance: random.Random) -> bytes:
    """Change what the header of a `.npy` says, keeping its length where possible."""
    size = int.from_bytes(data[8:10], "little")
    head, body = data[10 : 10 + size], data[10 + size :]
    match chance.randrange(5):
        case 0:
            head = re.sub(rb"'descr': '[^']*'", b"'descr': '%s'" % chance.choice(DTYPES), head)
        case 1:
            shape = ", ".join(str(chance.choice(NUMBERS)) for _ in range(chance.randrange(6)))
            head = re.sub(rb"\([^)]*\)", b"(%s,)" % shape.encode() if shape else b"()", head)
        case 2:
            head = head.replace(b"False", chance.choice((b"True", b"None", b"exit")))
        case 3:
            return data[:6] + bytes([chance.randrange(256), chance.randrange(4)]) + data[8:]
        case _:
            head = change_anything(head, chance)
    return data[:8] + len(head).to_bytes(2, "little") + head + body


def change_csv(data: bytes, chance: random.Random) -> bytes:
    """Put into one cell what tables in the wild hold."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    cells = lines[at].split(b",")
    cells[chance.randrange(len(cells))] = chance.choice(
        (
            b"",
            b"nan",
            b"inf",
            b"1e999",
            b'"',
            b"a,b",
            b"\xff\xfe",
            b"\0",
            b"x" * 200_000,
            b"=1+1",
            b"1_000",
            b"-",
        )
    )
    lines[at] = b",".join(cells) if chance.random() < 0.8 else lines[at].replace(b",", b";")
    return b"\n".join(lines)


def inner_change(name: str) -> Change:
    """Return the change that knows the content of a file called `name`."""
    if name.endswith(".json"):
        return change_json
    if name.endswith(".pkl"):
        return change_pickle
    if name.endswith(".npy"):
        return change_npy
    if name.endswith(".onnx"):
        return change_message
    return change_csv if name.endswith(".csv") else change_anything
