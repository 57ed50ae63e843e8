"""OpenVINO IR: the graph as XML, its weights in a file beside it."""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from core.complaints import complaint
from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    """Check that the graph is plain XML whose constants lie inside the weights beside it."""
    weights = path.with_suffix(".bin")
    size = weights.stat().st_size if weights.is_file() else 0
    parser = expat.ParserCreate()

    def element(name: str, attributes: dict[str, str]) -> None:
        if name == "data" and {"offset", "size"} <= attributes.keys():
            end = int(attributes["offset"]) + int(attributes["size"])
            if min(int(attributes["offset"]), int(attributes["size"])) < 0 or end > size:
                raise CorruptFile(f"A constant of {path.name} lies beyond its weights.", hint=HOSTILE)

    def declaration(*_: object) -> None:
        raise UnsafeUpload(f"{path.name} declares entities, which no OpenVINO model does.", hint=HOSTILE)

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = declaration
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, ValueError) as error:
        raise CorruptFile(f"{path.name} is no OpenVINO model: {complaint(error)}.", hint=HOSTILE) from error
    return (weights,)


FORMAT = Format(
    "openvino",
    "OpenVINO IR",
    ".xml",
    _check,
    learn=Learn(
        does="OpenVINO's own format: the graph as XML, the weights beside it.",
        costs="Only OpenVINO reads it.",
        choose="To serve with OpenVINO: loads faster than ONNX.",
        expect="4 bytes a parameter in FP32, 2 in FP16, 1 in INT8",
    ),
)
