"""Packages of AOTInductor: a compiled library with its sources, as `aoti_compile_and_package` writes them."""

from __future__ import annotations

import json
import platform
import zipfile
from pathlib import Path

from core.archives.zips import ends_plainly, inspect_zip, open_zip
from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE, insist
from core.protocols import Format

WARNING = (
    "**`model.pt2` is native code.** Its library was compiled from the model and runs with your rights when "
    "it is loaded; nothing can look through it. Load it only if you trust whoever made the model, or in a "
    "sandbox. It runs on the kind of processor, and with the version of PyTorch, that it was compiled for."
)
CODE = "data/aotinductor/model/"
OF_THE_ARCHIVE = ("archive_format", "archive_version", "byteorder", "version")
"""Entries that say what kind of archive it is."""
ELF, MACHINE_AT = b"\x7fELF\x02", 18
"""Start of a library of 64 bits, and where it names its processor (elf(5))."""
MACHINES = {"x86_64": 62, "aarch64": 183}
LARGEST_JSON = 1 << 20


def _check(path: Path) -> tuple[Path, ...]:
    insist(path, "aoti_package")
    entries = inspect_zip(path)
    with path.open("rb") as stream:
        if not ends_plainly(stream):
            raise UnsafeUpload(f"{path.name} has hidden bytes behind its entries.", hint=HOSTILE)
    with open_zip(path) as archive:
        libraries = [entry for entry in entries if _is_library(archive, entry)]
    if len(libraries) != 1:
        raise CorruptFile(f"{path.name} holds {len(libraries)} libraries instead of one.", hint=HOSTILE)
    return ()


def _is_library(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Check an entry, and return whether it is the compiled library."""
    inner = entry.filename.partition("/")[2]
    if inner in OF_THE_ARCHIVE or inner.startswith(".data/"):
        return False
    name = inner.removeprefix(CODE)
    if name == inner or "/" in name or not name.endswith((".so", ".cpp", ".json")):
        raise UnsafeUpload(
            f"The entry {entry.filename} does not belong into a package of AOTInductor.", hint=HOSTILE
        )
    if name.endswith(".json"):
        _check_json(archive, entry)
    if name.endswith(".so"):
        _check_library(archive, entry)
    return name.endswith(".so")


def _check_json(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    if entry.file_size > LARGEST_JSON:
        raise UnsafeUpload(f"The entry {entry.filename} is too long to be honest.", hint=HOSTILE)
    try:
        json.loads(archive.read(entry))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"The entry {entry.filename} is no JSON.", hint=HOSTILE) from error


def _check_library(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as stream:
        head = stream.read(64)
    made_for = int.from_bytes(head[MACHINE_AT : MACHINE_AT + 2], "little")
    if not head.startswith(ELF) or made_for != MACHINES.get(platform.machine()):
        raise CorruptFile(f"The entry {entry.filename} is no library for this processor.", hint=HOSTILE)


FORMAT = Format(
    "aotinductor",
    "an AOTInductor package",
    ".pt2",
    _check,
    machine_bound=True,
    warning=WARNING,
    learn=Learn(
        does="A zip with a shared library that PyTorch's compiler made of the network, its weights inside, "
        "and the C++ it was compiled from.",
        costs="It is native code for one kind of processor and one version of PyTorch.",
        choose="When PyTorch stays, from Python or C++, and nothing is to be compiled at the start.",
        expect="About the size of the weights, as the kernels read them",
    ),
)
