"""Safety check of ONNX files: path traversal, false sizes and unknown operators are refused."""

from __future__ import annotations

from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from core.complaints import complaint
from core.errors import CorruptFile, InputError, UnsafeUpload, UnsupportedModel
from core.graphs.onnx import files as onnx_files
from core.texts import shown

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

DOMAINS = frozenset({
    "", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc",
    "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training", "org.pytorch.aten",
})  # fmt: skip
"""Operator domains that ONNX Runtime brings along."""

ZIP_HINT = (
    "Put the .onnx file and its weight files into one .zip, as they lie in their folder, and upload that."
)


def parse(path: Path) -> ModelProto:
    """Return the model in `path` without external weights.

    Raises:
        CorruptFile: It is no complete ONNX model.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx_files.load(path, weights=False)
    except (DecodeError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise CorruptFile(
            f"The ONNX file is truncated or broken: {complaint(error)}.", hint="Copy or download it again."
        ) from error
    if not model.graph.output:
        raise CorruptFile("The ONNX file holds no graph with outputs.", hint="Export the model again.")
    return model


def external_files(path: Path) -> list[str]:
    """Return the names of the files, relative to its own folder, in which the model at `path` keeps weights.

    Raises:
        CorruptFile: It is no complete ONNX model.
        UnsafeUpload: One of them would lie outside that folder.
    """
    tensors = (
        tensor for tensor in onnx_files.tensors(parse(path)) if tensor.data_location == tensor.EXTERNAL
    )
    found = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    for location in found:
        _safe_path(location, path.parent)
    return sorted(found)


def check_tensors(model: ModelProto, folder: Path) -> tuple[Path, ...]:
    """Check that every constant has as many bytes as its shape claims, and return the external files.

    Raises:
        UnsafeUpload: An external file lies outside `folder` or is a link.
        CorruptFile: A shape claims more than there is.
        InputError: External files are missing.
    """
    locations: dict[str, list[TensorProto]] = {}
    for tensor in onnx_files.tensors(model):
        if tensor.data_location == tensor.EXTERNAL:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            locations.setdefault(entries.get("location", ""), []).append(tensor)
        else:
            _check_inline(tensor)
    paths = {location: _safe_path(location, folder) for location in locations}
    missing = [location for location, path in paths.items() if not path.is_file()]
    if missing:
        raise InputError(
            f"The model keeps its weights in {len(missing)} more file(s) that are missing: {shown(missing)}.",
            hint=ZIP_HINT,
        )
    for location, members in locations.items():
        for tensor in members:
            _check_external(tensor, paths[location].stat().st_size)
    return tuple(paths.values())


def standard(path: Path) -> str:
    """Return what ONNX's own checker says against the model in `path`, shapes and types included.

    Empty where it says nothing. Of operators that are not ONNX's own it knows nothing.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:  # its errors, and those of its shape inference
        return complaint(error)
    return ""


LONGEST_PART = 255
"""Bytes in one part of a path, on the file systems of all common systems."""


def _safe_path(location: str, folder: Path) -> Path:
    parts = (*PurePosixPath(location).parts, *PureWindowsPath(location).parts)
    anchored = PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor
    # A name longer than any file's would otherwise end in the system's own words.
    too_long = any(len(part.encode(errors="replace")) > LONGEST_PART for part in parts)
    if not location or anchored or ".." in parts or "\0" in location or too_long:
        raise UnsafeUpload(
            f"The model refers to a weight file outside its own folder: {location[:120]!r}.",
            hint="Save the model again with its external data beside it.",
        )
    path = folder / location
    steps = [path, *path.parents][: len(PurePosixPath(location).parts)]
    if any(step.is_symlink() for step in steps) or not path.resolve().is_relative_to(folder.resolve()):
        raise UnsafeUpload(
            f"The weight file {location[:120]!r} is a link.", hint="Replace the link by the file itself."
        )
    return path


TYPED = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")


def _check_inline(tensor: TensorProto) -> None:
    bits = _bits(tensor)
    if tensor.HasField("raw_data"):
        held = len(tensor.raw_data) * 8 // bits
    else:
        held = max(len(getattr(tensor, field)) for field in TYPED) * max(1, 8 // bits)
    if _elements(tensor) > held:
        raise _liar(tensor, f"holds {held} elements")


def _check_external(tensor: TensorProto, size: int) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    except ValueError:
        raise _liar(tensor, "has an unreadable place in its weight file") from None
    needed = -(-_elements(tensor) * _bits(tensor) // 8)
    stored = length if "length" in entries else size - offset
    if offset < 0 or length < 0 or offset + max(needed, stored) > size or needed > stored:
        raise _liar(tensor, f"lies beyond the {size} bytes of {entries.get('location')!r}")


def _elements(tensor: TensorProto) -> int:
    if any(size < 0 for size in tensor.dims):
        raise _liar(tensor, "has a negative size")
    return prod(tensor.dims)


def _bits(tensor: TensorProto) -> int:
    """Return the bits of one element; 8 for types this does not know, which ONNX Runtime then refuses."""
    from onnx import TensorProto as T

    wide: dict[int, int] = {
        T.FLOAT: 32, T.INT32: 32, T.UINT32: 32, T.INT64: 64, T.UINT64: 64, T.DOUBLE: 64, T.COMPLEX64: 64,
        T.COMPLEX128: 128, T.FLOAT16: 16, T.BFLOAT16: 16, T.INT16: 16, T.UINT16: 16, T.INT4: 4, T.UINT4: 4,
    }  # fmt: skip
    return wide.get(tensor.data_type, 8 if tensor.data_type != getattr(T, "FLOAT4E2M1", -1) else 4)


def _liar(tensor: TensorProto, fact: str) -> CorruptFile:
    shape = "x".join(str(size) for size in tensor.dims[:8])
    return CorruptFile(
        f"The constant {tensor.name or 'without name'!r} claims the shape {shape or 'scalar'} but {fact}.",
        hint="The file is damaged or was made by hand; export the model again.",
    )


def check_operators(model: ModelProto) -> None:
    """Refuse operators that no runtime here knows.

    Raises:
        UnsupportedModel: With the operators' names.
    """
    own = {(function.domain, function.name) for function in model.functions}
    foreign = {
        f"{node.domain}.{node.op_type}"
        for node in onnx_files.nodes(model)
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own
    }
    if foreign:
        raise UnsupportedModel(
            f"The model uses operators of its own that ONNX Runtime does not know: {shown(sorted(foreign))}.",
            hint="Export it with standard ONNX operators, or with the custom ones as model-local functions.",
        )
