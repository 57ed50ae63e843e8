"""Safety check of torch.export archives (.pt2): those that would run code when loaded are refused.

torch.export.load falls back to full unpickling for weights, constants and sample inputs, hands expressions to
eval, resolves node targets by name below `torch`, and loads compiled libraries (torch 2.15:
torch/export/pt2_archive/_package.py, torch/_export/serde/serialize.py). Each way in is closed here by entry.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from core.archives.expressions import is_arithmetic, is_safe_target
from core.archives.torch_files import CONVERT_HINT, nested_globals, refuse_unsafe
from core.archives.treespecs import SPECS, imports_a_name, walk
from core.archives.zips import ends_plainly, inspect_zip, open_zip
from core.errors import CorruptFile, UnsafeUpload

_NATIVE = (".so", ".o", ".a", ".dll", ".dylib", ".pyd", ".cubin", ".cpp")
_CONSTANTS = "data/constants/"
_OBJECTS = (_CONSTANTS + "custom_obj_", _CONSTANTS + "opaque_obj_")
_CONFIGS = ("_weights_config.json", "_constants_config.json")
_OLD_PICKLES = tuple(f"serialized_{part}" for part in ("state_dict", "constants", "example_inputs"))
_LARGEST_JSON = 128 * 1024**2
_EXPORT_HINT = "Export the model again with plain tensors as weights: " + CONVERT_HINT.partition(": ")[2]


def check_pt2(path: Path) -> None:
    """Refuse a `.pt2` with anything in it that could run code.

    Raises:
        CorruptFile: It is no zip, or an entry that must be JSON or a pickle is not.
        UnsafeUpload: Naming the entry and what it would do.
    """
    entries = inspect_zip(path)
    with path.open("rb") as stream:
        if not ends_plainly(stream):
            raise UnsafeUpload(f"{path.name} has hidden bytes behind its entries.", hint=_EXPORT_HINT)
    _check_folded_names(path, entries)
    with open_zip(path) as archive:
        for entry in entries:
            _check_entry(archive, entry)


def _check_folded_names(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Torch's reader ignores case: two names that differ in it would let one be checked, the other loaded."""
    if len({entry.filename.casefold() for entry in entries}) != len(entries):
        raise UnsafeUpload(
            f"{path.name} holds entries that differ only in upper and lower case.", hint=_EXPORT_HINT
        )


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    # Torch finds records ignoring case, and below whatever folder the first entry lies in.
    name = entry.filename.casefold()
    inner = name if name.startswith("serialized_") else name.partition("/")[2]
    if inner.startswith("data/aotinductor/") or inner.endswith(_NATIVE):
        _refuse(entry, "is compiled code")
    if inner.startswith(_OBJECTS):
        _refuse(entry, "is a pickled Python object")
    if inner.endswith(_CONFIGS):
        _check_config(archive, entry)
    elif inner.startswith(_OLD_PICKLES) or inner.endswith((".pt", ".pkl", ".pickle", ".pth")):
        with archive.open(entry) as stream:
            refuse_unsafe(nested_globals(stream, entry.filename), f"the entry {entry.filename}")
    elif inner.startswith("models/") or inner.startswith("serialized_exported_program"):
        _check_program(archive, entry)


def _check_config(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    config = _json(archive, entry).get("config")
    if not isinstance(config, dict):
        raise CorruptFile(f"The entry {entry.filename} does not list tensors.", hint=_EXPORT_HINT)
    for tensor, payload in config.items():
        if not isinstance(payload, dict) or payload.get("use_pickle") is not False:
            _refuse(entry, f"marks the tensor {str(tensor)[:80]} as a pickled Python object")
        if "/" in str(payload.get("path_name")) or str(payload.get("path_name")).startswith("."):
            _refuse(entry, f"points outside of its folder for the tensor {str(tensor)[:80]}")


def _check_program(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    program = _json(archive, entry)
    for key, value in walk(program):
        if not isinstance(value, str):
            continue
        if key == "target" and not is_safe_target(value):
            _refuse(entry, f"calls {value[:80]}, which is not an operator")
        if key in ("expr_str", "guards_code") and not is_arithmetic(value):
            _refuse(entry, f"computes a shape by {value[:80]}, which is not arithmetic")
        if key in SPECS and value and imports_a_name(value):
            _refuse(entry, "takes or returns a defaultdict or an enum, which imports a Python name")
    for symbol in program.get("range_constraints") or ():
        if not is_arithmetic(symbol):
            _refuse(entry, f"has a range for {symbol[:80]}, which is not a symbol")


def _json(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> dict[str, Any]:
    if entry.file_size > _LARGEST_JSON:
        _refuse(entry, "is too large for a description")
    try:
        content = json.loads(archive.read(entry))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(
            f"The entry {entry.filename} is not readable JSON.", hint="Export the model again."
        ) from error
    if not isinstance(content, dict):
        raise CorruptFile(f"The entry {entry.filename} is not a description.", hint="Export the model again.")
    return content


def _refuse(entry: zipfile.ZipInfo, why: str) -> None:
    raise UnsafeUpload(f"The model was not opened: its entry {entry.filename} {why}.", hint=_EXPORT_HINT)
