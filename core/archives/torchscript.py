"""Safety check of TorchScript archives: their code is tokenized, and what reaches for files is refused.

The tokens are those of torch's own reader, torch/csrc/jit/frontend/lexer.h and parse_string_literal.h. What
reads or writes files is an operator, and an operator has a name: after `torch.`, `ops.` or an object, or in
the text that `getattr` takes.
"""

from __future__ import annotations

import re
import zipfile
from collections import deque
from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple, NoReturn

from core.archives.zips import inspect_zip, open_zip
from core.errors import UnsafeUpload

_LONGEST_CODE = 64 * 1024**2
_EXPORT_HINT = "Export the model with torch.export or to ONNX instead."
_RENAME_HINT = "Remove that call and save the model again; a method of your own needs another name."
FILE_OPERATORS = frozenset(
    {
        *("save", "load", "from_file", "load_library", "save_to_file", "load_from_file", "load_tensor"),
        *("read_file", "write_file", "rpc_sync", "rpc_async", "rpc_remote"),
    }
)
"""Names of the operators that open files or reach other machines, of torch and of the libraries beside it."""

NAMESPACES = frozenset(
    {
        *("aten", "prim", "quantized", "_quantized", "quantization", "sparse", "prepacked", "profiler"),
        *("mkl", "mkldnn", "mkldnn_prepacked", "onednn", "torchvision"),
    }
)
"""Where a trained network's operators live; torch's `inductor`, for one, holds such that read any memory."""

_TOKEN = re.compile(
    rb"""
    (?P<skip>[ \t\v\f\r\n]+ | \\\n | \#(?![ ]type:)[^\n]*)
    | (?P<text>\"\"\"[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*\"\"\" | '''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''
        | "(?!"")[^"\\\n]*(?:\\.[^"\\\n]*)*" | '(?!'')[^'\\\n]*(?:\\.[^'\\\n]*)*')
    | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)


class _Token(NamedTuple):
    kind: str
    value: str


_NOTHING, _DOT, _OPS = _Token("", ""), _Token("sign", "."), _Token("name", "ops")


def check_torchscript(path: Path) -> None:
    """Refuse a TorchScript file whose code opens files by name.

    TorchScript has no other reach into the system. What this look misses meets the confined process.

    Raises:
        CorruptFile: It is no TorchScript file, or truncated or broken.
        UnsafeUpload: The code names an operator that reads or writes files.
    """
    entries = inspect_zip(path)
    with open_zip(path) as archive:
        for entry in entries:
            # Torch's reader ignores case.
            name = entry.filename.casefold()
            if name.rpartition("/")[2] == "model.json":
                _refuse(f"{path.name} has the layout of before PyTorch 1.2, which cannot be looked through")
            if name.endswith(".py"):
                _check_code(archive, entry)


def _check_code(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    where = f"The TorchScript code in {entry.filename}"
    if entry.file_size > _LONGEST_CODE:
        _refuse(f"{where} is too long to be looked through")
    window = deque([_NOTHING] * 3, maxlen=4)
    for token in chain(_tokens(archive.read(entry)), [_NOTHING] * 2):
        window.append(token)
        _check_name(token, where)
        before, first, dot, name = window
        if first == _OPS and before != _DOT and not (dot == _DOT and name.value in NAMESPACES):
            _refuse(f"{where} uses an operator of {name.value!r}, where no network's operators are")


def _check_name(token: _Token, where: str) -> None:
    if token.kind != "sign" and token.value in FILE_OPERATORS:
        _refuse(f"{where} names {token.value}, an operator that opens files", _RENAME_HINT)
    if token.kind == "sign" and token.value in ("'", '"'):
        _refuse(f"{where} has a text without an end")


def _tokens(code: bytes) -> Iterator[_Token]:
    """Yield names, signs and decoded texts; texts beside each other are one, as in Python."""
    found = (match for match in _TOKEN.finditer(code) if match.lastgroup != "skip")
    for kind, group in groupby(found, key=lambda match: str(match.lastgroup)):
        values = (match[0].decode("latin1") for match in group)
        if kind == "text":
            yield _Token(kind, "".join(map(_decoded, values)))
        else:
            yield from (_Token(kind, value) for value in values)


def _decoded(text: str) -> str:
    quotes = 3 if text[:3] in ('"""', "'''") else 1
    return _ESCAPE.sub(_character, text[quotes:-quotes])


def _character(escape: re.Match[str]) -> str:
    value = escape[1]
    return chr(int(value, 8) & 0xFF) if len(value) == 3 else value


def _refuse(what: str, hint: str = _EXPORT_HINT) -> NoReturn:
    raise UnsafeUpload(f"{what}.", hint=hint)
