"""ExecuTorch programs: a flatbuffer with the network's plan, and behind it the weights and delegates' data.

Source: https://github.com/pytorch/executorch/blob/main/schema/program.fbs and extended_header.h.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from core.archives.flatbuffers import Flatbuffer
from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.protocols import Format

IDENTIFIER, HEADER = b"ET12", b"eh00"
HEADER_AT, BASE_AT = 8, 24
"""Where the header lies behind the identifier, and in it the offset of the data behind the flatbuffer."""
PLANS, SEGMENTS = 1, 4
"""Positions of fields in the schema's table ``Program``."""
OFFSET, SIZE = 0, 1
"""... in ``DataSegment``."""
VALUES, INPUTS, OUTPUTS, DELEGATES = 2, 3, 4, 7
"""... in ``ExecutionPlan``."""
DELEGATE, PROCESSED, LOCATION, INDEX = 0, 1, 0, 1
"""... in ``BackendDelegate`` and in its ``BackendDelegateDataReference``."""
KNOWN_DELEGATES = frozenset({"XnnpackBackend"})


def _check(path: Path) -> tuple[Path, ...]:
    with path.open("rb") as file:
        if file.read(HEADER_AT)[4:] != IDENTIFIER:
            raise UnsafeUpload(f"{path.name} is no ExecuTorch program.", hint=HOSTILE)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                _look_through(content)
            except (struct.error, IndexError, ValueError) as error:
                raise CorruptFile(f"{path.name} is cut off or broken: {error}.", hint=HOSTILE) from error
    return ()


def _look_through(content: mmap.mmap) -> None:
    """Follow the program to its plans and segments.

    Raises:
        ValueError: A part lies outside the file.
        UnsafeUpload: It hands work to a delegate that none of the exports here uses.
    """
    walk = Flatbuffer(content)
    program = walk.table(0)
    segments, plans = walk.vector(program, SEGMENTS), walk.vector(program, PLANS)
    if not plans:
        raise ValueError("it holds no plan")
    headed = content[HEADER_AT : HEADER_AT + len(HEADER)] == HEADER
    base = walk.number(BASE_AT, "<Q") if headed else len(walk)
    for position in segments:
        segment = walk.table(position)
        offset, size = (walk.number(segment[each], "<Q") if each in segment else 0 for each in (OFFSET, SIZE))
        if base + offset + size > len(walk):
            raise ValueError("weights lie beyond its end")
    for position in plans:
        _plan(walk, walk.table(position), len(segments))


def _plan(walk: Flatbuffer, plan: dict[int, int], segments: int) -> None:
    values = len(walk.vector(plan, VALUES))
    for field in (INPUTS, OUTPUTS):
        if not all(0 <= walk.number(place, "<i") < values for place in walk.vector(plan, field)):
            raise ValueError("an input or output is a value that it does not hold")
    for position in walk.vector(plan, DELEGATES):
        delegate = walk.table(position)
        name = walk.text(delegate, DELEGATE)
        if name not in KNOWN_DELEGATES:
            raise UnsafeUpload(f"It hands layers to {name!r}, which no export here does.", hint=HOSTILE)
        data = walk.table(delegate[PROCESSED]) if PROCESSED in delegate else {}
        in_segment = LOCATION in data and walk.number(data[LOCATION], "<b") == 1
        if in_segment and (walk.number(data[INDEX]) if INDEX in data else 0) >= segments:
            raise ValueError("a delegate's data are not there")


FORMAT = Format(
    "pte",
    "an ExecuTorch program",
    ".pte",
    _check,
    learn=Learn(
        does="A flat file with the network's operators in order, its weights, and what XNNPACK computes of "
        "it.",
        costs="It is read by ExecuTorch alone, and by about the version that wrote it or a newer one.",
        choose="For apps on phones that would have taken PyTorch Mobile.",
        expect="4 bytes a parameter in FP32, 1 in INT8",
    ),
)
