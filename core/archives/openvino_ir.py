"""OpenVINO IR, looked through without OpenVINO: plain XML whose constants lie inside the file beside it.

Source: https://docs.openvino.ai/2026/documentation/openvino-ir-format.html.
"""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from core.complaints import complaint
from core.errors import CorruptFile, UnsafeUpload

HEAD = 4096
SKIPPED = ((b"\xef\xbb\xbf", b""), (b"<?", b"?>"), (b"<!--", b"-->"))
"""What may stand before the graph, by how it begins and ends."""


def looks_like_ir(path: Path) -> bool:
    """Whether the file begins as an OpenVINO graph, also one that declares entities first."""
    with path.open("rb") as file:
        head = file.read(HEAD).lstrip()
    while found := next(((begin, end) for begin, end in SKIPPED if head.startswith(begin)), None):
        begin, end = found
        head = head[len(begin) :].partition(end)[2].lstrip() if end else head[len(begin) :].lstrip()
    return head.startswith((b"<net ", b"<net>")) or (head.startswith(b"<!DOCTYPE") and b"<net" in head)


def weights_of(path: Path) -> Path:
    """Return where the weights of the graph at `path` lie: beside it, under its own name."""
    return path.with_suffix(".bin")


def check_ir(path: Path, hint: str) -> None:
    """Refuse a graph that declares entities, or whose constants lie outside the weights beside it.

    Args:
        path: The graph; nothing in it is run.
        hint: What to do about one that is refused.

    Raises:
        UnsafeUpload: It declares entities, by which a small file can grow without end or read others.
        CorruptFile: It is broken, or its weights are missing or too short.
    """
    weights = weights_of(path)
    size = weights.stat().st_size if weights.is_file() else 0
    parser = expat.ParserCreate()

    def element(name: str, attributes: dict[str, str]) -> None:
        if name == "data" and {"offset", "size"} <= attributes.keys():
            begin, length = int(attributes["offset"]), int(attributes["size"])
            if min(begin, length) < 0 or begin + length > size:
                raise CorruptFile(f"A constant of {path.name} lies beyond its weights.", hint=hint)

    def declaration(*_: object) -> None:
        raise UnsafeUpload(f"{path.name} declares entities, which no OpenVINO model does.", hint=hint)

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = declaration
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, ValueError) as error:
        raise CorruptFile(f"{path.name} is no OpenVINO model: {complaint(error)}.", hint=hint) from error
