"""PyTorch file types told by content, and a safety check: files that would run Python are refused.

Layouts as torch 2.15 writes and reads them: torch/serialization.py, torch/jit/_serialization.py,
torch/export/pt2_archive.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Literal

from core.archives.pickles import SAFE_GLOBALS, stream_globals
from core.archives.plain_pickles import is_plain
from core.archives.zips import ZIP_START, ends_plainly, inspect_zip, is_zip, open_zip
from core.errors import CorruptFile, UnsafeUpload

TorchKind = Literal["pt2", "torchscript", "state_dict", "pickled_module", "aoti_package", "mar"]
LARGEST_HEADER = 100_000_000
"""Bytes; the safetensors library refuses longer headers too."""

# torch.save before 1.6 wrote five pickles in a row: this number, a version, the system, the object, its keys.
_LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LEGACY_PICKLES = 5
_AOTI_FOLDER = "data/aotinductor/"
_OLD_PT2 = "serialized_exported_program.json"

CONVERT_HINT = (
    "Save the model without Python code: "
    'ep = torch.export.export(model.eval(), (example,)); torch.export.save(ep, "model.pt2") '
    'or: torch.onnx.export(model, (example,), "model.onnx")'
)
WEIGHTS_HINT = 'Save the weights alone: torch.save(model.state_dict(), "model.pt")'


def torch_zip_kind(path: Path) -> TorchKind | None:
    """Return what kind of torch file this is, by its content; None for anything else.

    "state_dict" holds only tensors and plain values; "pickled_module" imports any Python name beyond those.

    Raises:
        CorruptFile: A zip or torch file that is truncated or broken.
        UnsafeUpload: A zip that is not safe to open.
    """
    if not is_zip(path):
        return _pickle_kind(legacy_globals(path)) if is_legacy(path) else None
    names = {entry.filename for entry in inspect_zip(path)}
    inner = {name.partition("/")[2] for name in names}
    if "MAR-INF/MANIFEST.json" in names:
        return "mar"
    if any(name.startswith("models/") and name.endswith(".json") for name in inner) or _OLD_PT2 in names:
        return "pt2"
    if any(name.startswith(_AOTI_FOLDER) for name in inner) or _is_old_aoti(names):
        return "aoti_package"
    if "constants.pkl" in inner:
        return "torchscript"
    if "data.pkl" in inner:
        return _pickle_kind(_zip_globals(path))
    return None


def check_state_dict_pickle(path: Path) -> None:
    """Refuse a torch.save file, of today's or the old form, that names more than tensors and plain values.

    Raises:
        CorruptFile: It is no torch.save file, or truncated or broken.
        UnsafeUpload: Loading it would call Python functions; the hint says how to save the model instead.
    """
    if is_zip(path):
        inspect_zip(path)
        names = _zip_globals(path)
    elif is_legacy(path):
        names = legacy_globals(path)
    else:
        raise CorruptFile(f"{path.name} is not a file that torch.save wrote.", hint=WEIGHTS_HINT)
    refuse_unsafe({name for name in names if not is_plain(name, SAFE_GLOBALS)}, path.name)


def refuse_unsafe(names: set[str], where: str) -> None:
    """Raise when a pickle would import more than what rebuilds tensors.

    Raises:
        UnsafeUpload: Naming the first such import, `where` it is, and the way out.
    """
    unsafe = sorted(names - SAFE_GLOBALS)
    if not unsafe:
        return
    more = f" and {len(unsafe) - 1} more" if len(unsafe) > 1 else ""
    # Training checkpoints often carry numpy numbers or options beside their weights.
    extras = all(name.startswith(("numpy.", "pathlib.", "datetime.")) for name in unsafe)
    raise UnsafeUpload(
        f"Opening {where} would run Python code: it asks for {unsafe[0]}{more}.",
        hint=WEIGHTS_HINT if extras else CONVERT_HINT,
    )


def is_legacy(path: Path) -> bool:
    """Return whether this is torch.save's form of before 1.6."""
    with path.open("rb") as stream:
        return _LEGACY_MAGIC in stream.read(64)


def legacy_globals(path: Path) -> set[str]:
    """Return all names that a file of the old form would import.

    Raises:
        CorruptFile: It is truncated or broken.
    """
    with path.open("rb") as stream:
        return set().union(*(stream_globals(stream) for _ in range(_LEGACY_PICKLES)))


def nested_globals(stream: IO[bytes], where: str) -> set[str]:
    """Return the names that a torch.save file inside another archive would import.

    Raises:
        CorruptFile: It is neither of torch.save's forms.
        UnsafeUpload: It is TorchScript, which has no business there.
    """
    start = stream.read(64)
    stream.seek(0)
    if not start:
        return set()
    # As torch.load does: a file that starts as a pickle is one, whatever zip hangs at its end.
    if start.startswith(ZIP_START):
        if not ends_plainly(stream):
            raise UnsafeUpload(f"The entry {where} is a zip with hidden bytes at its end.", hint=CONVERT_HINT)
        with zipfile.ZipFile(stream) as archive:
            if any(name.endswith("constants.pkl") for name in archive.namelist()):
                raise UnsafeUpload(
                    f"The entry {where} holds a program instead of tensors.", hint=CONVERT_HINT
                )
            return _pickles_of(archive)
    if _LEGACY_MAGIC in start:
        return set().union(*(stream_globals(stream) for _ in range(_LEGACY_PICKLES)))
    return stream_globals(stream)


def _zip_globals(path: Path) -> set[str]:
    with open_zip(path) as archive:
        return _pickles_of(archive)


def _pickles_of(archive: zipfile.ZipFile) -> set[str]:
    names: set[str] = set()
    for entry in archive.infolist():  # not by name: a second entry of the same name would hide the first
        if entry.filename.casefold().endswith(".pkl"):
            with archive.open(entry) as stream:
                names |= stream_globals(stream)
    return names


def _pickle_kind(names: set[str]) -> TorchKind:
    return "state_dict" if all(is_plain(name, SAFE_GLOBALS) for name in names) else "pickled_module"


def _is_old_aoti(names: set[str]) -> bool:
    return any(name.endswith((".so", ".wrapper.cpp")) for name in names)


def is_safetensors(path: Path) -> bool:
    """Whether the file begins with the length of a JSON object and its brace, even if the rest is missing."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= LARGEST_HEADER
