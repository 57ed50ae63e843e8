"""Ways to break a zip: its members, with checksums that stay right, and its own records."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile

from tests.fuzz.mutations import change_anything, inner_change

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
# Where numbers lie in each record: version, flags, method, checksum, sizes, lengths, offsets.
PLACES = {
    LOCAL: ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    CENTRAL: (
        (6, 2),
        (8, 2),
        (10, 2),
        (16, 4),
        (20, 4),
        (24, 4),
        (28, 2),
        (30, 2),
        (32, 2),
        (38, 4),
        (42, 4),
    ),
    END: ((8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
}
NAMES = ("../out", "/tmp/out", "a\\b", "x", "", "data.pkl", "archive/data/0", "\u202e.onnx", "a" * 300)


def change_record(data: bytes, chance: random.Random) -> bytes:
    """Overwrite a number in a local header, the directory or the end record."""
    kind = chance.choice(list(PLACES))
    starts, at = [], data.find(kind)
    while at >= 0:
        starts.append(at)
        at = data.find(kind, at + 4)
    if not starts:
        return change_anything(data, chance)
    offset, size = chance.choice(PLACES[kind])
    at = chance.choice(starts) + offset
    value = chance.choice((0, 1, 8, 9, 0x0801, 0xFFFF, 2**31, 2**32 - 1, chance.randrange(2**32)))
    return data[:at] + struct.pack("<I", value)[:size] + data[at + size :]


def change_member(data: bytes, chance: random.Random) -> bytes:
    """Damage, swap, repeat, drop or rename members; the result is a whole zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(entry.filename, archive.read(entry), entry.compress_type) for entry in archive.infolist()]
    at, other = chance.randrange(len(members)), chance.randrange(len(members))
    name, content, method = members[at]
    match chance.randrange(10):
        case 0:
            members[at], members[other] = (
                (name, members[other][1], method),
                (members[other][0], content, method),
            )
        case 1:
            members.append((name, members[other][1], method))
        case 2:
            del members[at]
        case 3:
            members[at] = (chance.choice((*NAMES, members[other][0])), content, method)
        case 4:
            members[at] = (
                name,
                content,
                chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
            )
        case _:
            known = [i for i, member in enumerate(members) if inner_change(member[0]) is not change_anything]
            at = chance.choice(known) if known and chance.random() < 0.7 else at
            name, content, method = members[at]
            members[at] = (name, inner_change(name)(content, chance), method)
    return _written(members)


def _written(members: list[tuple[str, bytes, int]]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)  # names that occur twice are what we are after
        for name, content, method in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()
