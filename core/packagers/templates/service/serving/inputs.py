"""Checks of what comes in: names, types, shapes and values, before the model sees any of it."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from serving.errors import Refused, invalid
from serving.settings import Settings, Tensor

Array = np.ndarray[Any, Any]
Feed = dict[str, Array]
KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}
WORDS = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "true or false"}
LONGEST_HEADER = 4096
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What the standard library raises for zips that are none; the last for names that are no text."""
PLAIN = {int, float, bool}
NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def from_json(spec: Tensor, value: Any) -> Array:
    """Return nested lists of JSON as an array of the input's type.

    Raises:
        ValueError: They are no array, or of another kind or shape, or hold values that are not possible.
    """
    array = numbers(spec, value)
    check(spec, array)
    return array


def numbers(spec: Tensor, value: Any) -> Array:
    """Return lists of JSON as an array of the input's type, whatever its shape.

    Raises:
        ValueError: They are no array, or of another kind, or hold values that the type cannot hold.
    """
    wanted = np.dtype(spec.dtype)
    if not _plain(value):
        raise ValueError(f"expected {WORDS[wanted.kind]} ({spec.dtype}), in nested lists of equal lengths")
    try:
        found = np.array(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError("expected nested lists of equal lengths") from error
    if found.dtype.kind not in KINDS[wanted.kind] or found.dtype.kind == "O":
        raise ValueError(f"expected {WORDS[wanted.kind]} ({spec.dtype})")
    if wanted.kind in "iu" and found.size:
        bounds = np.iinfo(wanted)
        if found.min() < bounds.min or found.max() > bounds.max:
            raise ValueError(f"expected values that {spec.dtype} can hold")
    with np.errstate(over="ignore"):
        return found.astype(wanted)


def _plain(value: Any) -> bool:
    """Whether these are numbers or lists of them: as an array, each text would be as long as the longest."""
    if not isinstance(value, list):
        return type(value) in PLAIN
    kinds = set(map(type, value))
    return kinds <= PLAIN or (kinds == {list} and all(map(_plain, value)))


def check(spec: Tensor, array: Array) -> None:
    """Look at the shape and the values of one input.

    Raises:
        ValueError: With what was expected.
    """
    fits = len(array.shape) == len(spec.shape) and all(
        size == wanted if isinstance(wanted, int) else size > 0
        for size, wanted in zip(array.shape, spec.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, spec.shape))
        raise ValueError(f"expected the shape ({wanted}), got {array.shape}")
    if spec.finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("expected finite numbers, got NaN or infinity")
    if spec.high is not None and array.size and not (array.min() >= 0 and array.max() < spec.high):
        raise ValueError(f"expected values from 0 to {spec.high - 1}")


def from_npz(settings: Settings, body: bytes) -> Feed:
    """Return the arrays of an ``.npz`` file, one for each input by name.

    Nothing is unpickled or written, and no array is made before its size was compared with its bytes.

    Raises:
        Refused: It is no such file, or an array does not fit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > settings.max_body_bytes:
                raise Refused(413, f"The arrays unpack to more than {settings.max_body_bytes:,} bytes.")
            named = ((each.filename.removesuffix(".npy"), partial(_entry, archive, each)) for each in entries)
            return checked_feed(settings, named)
    except BROKEN as error:
        raise invalid(f"expected an .npz file as numpy.savez writes it: {error}") from error


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("this input is compressed as numpy.savez does not")
    return _npy(archive.read(entry))


def checked_feed(settings: Settings, arrays: Iterable[tuple[str, Callable[[], Array]]]) -> Feed:
    """Return inputs that came in any encoding.

    Args:
        settings: Of the service.
        arrays: Name of each input, and what decodes it; `ValueError` says that it cannot be.

    Raises:
        Refused: An input is unknown or there twice, or does not fit.
    """
    specs = {spec.name: spec for spec in settings.inputs}
    feed: Feed = {}
    for name, decode in arrays:
        if name not in specs:
            raise invalid(f"unknown input; this model takes {', '.join(specs)}", "inputs", name[:80])
        if name in feed:
            raise invalid("this input is there twice", "inputs", name)
        feed[name] = _checked(specs[name], decode)
    return feed


def _checked(spec: Tensor, decode: Callable[[], Array]) -> Array:
    try:
        array = decode()
        if array.dtype != np.dtype(spec.dtype):
            raise ValueError(f"expected the type {spec.dtype}, got {array.dtype}")
        check(spec, array)
    except ValueError as error:
        raise invalid(str(error), "inputs", spec.name) from error
    return array


def _npy(data: bytes) -> Array:
    """Return the array of an ``.npy`` file; its header is believed only where the bytes bear it out."""
    stream = io.BytesIO(data)
    try:
        read = NPY_HEADERS[np.lib.format.read_magic(stream)]
        shape, fortran, dtype = read(stream, max_header_size=LONGEST_HEADER)
    except (ValueError, KeyError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("expected an array as numpy.save writes it") from error
    if dtype.hasobject or prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError("expected an array of plain numbers, whole")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return np.array(flat.reshape(shape, order="F" if fortran else "C"), order="C")


def rows_of(settings: Settings, feed: Feed) -> int:
    """Return how many rows a whole request has, and look at what its inputs share.

    Raises:
        Refused: An input is missing, sizes that must be equal are not, or there are too many rows.
    """
    sizes: dict[str, tuple[int, str]] = {}
    for spec in settings.inputs:
        if spec.name not in feed:
            raise invalid("this input is missing", "inputs", spec.name)
        for symbol, size in zip(spec.shape, feed[spec.name].shape, strict=True):
            if isinstance(symbol, str) and sizes.setdefault(symbol, (size, spec.name))[0] != size:
                other = sizes[symbol]
                raise invalid(f"{symbol} is {size} here and {other[0]} in {other[1]}", "inputs", spec.name)
    batches = settings.batches
    if batches.symbol is None:
        return 1
    rows = int(feed[settings.inputs[0].name].shape[0])
    if rows > settings.max_rows:
        raise Refused(413, f"The request has {rows:,} rows; {settings.max_rows:,} are taken at once.")
    return rows
