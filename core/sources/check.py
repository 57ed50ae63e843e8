"""Safety check of a built model's files, as of an upload, before they are kept or handed on.

Whoever made them had opened a stranger's model, so it may have been taken over and left anything.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

from core.archives.programs import check_pt2
from core.archives.torch_files import check_state_dict_pickle, torch_zip_kind
from core.archives.torchscript import check_torchscript
from core.complaints import complaint
from core.errors import CorruptFile, UnsafeUpload
from core.sources.onnx import checks
from core.sources.torch.state_dict import is_safetensors
from core.work.unit import Check, Done, Job, Kind

HOSTILE = "The uploaded model may have taken over the process that built this; do not trust it."


def check_artifact(format_: str, files: tuple[Path, ...]) -> None:
    """Refuse files that are not what `format_` says, or that could harm who opens them.

    Args:
        format_: As in `core.domain.recipe.Artifact`.
        files: All files, the one to open first; folders below that one's belong to it.

    Raises:
        UnsafeUpload: They would run code, reach out of their folder, or hold what does not belong to them.
        CorruptFile: They are truncated or broken.
    """
    path = files[0]
    known = {path, *CHECKS[format_](path)}
    strays = [file.name for file in files if file not in known]
    if strays:
        raise UnsafeUpload(
            f"Beside the {format_} model lies {strays[0]!r}, which does not belong to it.", hint=HOSTILE
        )


def _check_onnx(path: Path) -> tuple[Path, ...]:
    model = checks.parse(path)
    checks.check_operators(model)
    return checks.check_tensors(model, path.parent)


def _check_pt2(path: Path) -> tuple[Path, ...]:
    _insist(path, "pt2")
    check_pt2(path)
    return ()


def _check_torchscript(path: Path) -> tuple[Path, ...]:
    _insist(path, "torchscript")
    check_torchscript(path)
    return ()


def _check_state_dict(path: Path) -> tuple[Path, ...]:
    if not is_safetensors(path):
        check_state_dict_pickle(path)
    return ()


def _insist(path: Path, kind: str) -> None:
    found = torch_zip_kind(path)
    if found != kind:
        raise UnsafeUpload(f"{path.name} should be of the format {kind} and is {found}.", hint=HOSTILE)


def _check_openvino(path: Path) -> tuple[Path, ...]:
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


CHECKS: dict[str, Callable[[Path], tuple[Path, ...]]] = {
    "onnx": _check_onnx,
    "openvino": _check_openvino,
    "pt2": _check_pt2,
    "state_dict": _check_state_dict,
    "torchscript": _check_torchscript,
}


def check(request: Check, _: Job) -> Done[None]:
    """Check artifacts.

    Raises:
        InputError: As `check_artifact` does.
    """
    for each in request.artifacts:
        check_artifact(each.format, each.files)
    return Done(None)


UNIT = Kind(__name__, "check", Check, type(None), check)
