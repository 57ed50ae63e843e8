"""Plain values in place of what pickles name: dicts, arrays, dates and paths, built here alone."""

from __future__ import annotations

import datetime
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

NUMBERS = re.compile(r"[<>=|]?(?:[biufc](?:1|2|4|8|16)|\?|[SUV]\d{1,4})")
"""Data types of NumPy that hold numbers or short texts, and so no Python objects."""


MOST_KEY_PARTS = 10_000
"""A key of a dictionary holds at most so many values, each counted as often as it is met."""


class NotPlain(Exception):
    """Refusal: a pickle would build something that is no plain value; the text says what."""


class Inert(dict[Any, Any]):
    """Stands for an object of a class that is not loaded: its items, and what it would have been given.

    Attributes:
        name: Of the class.
        state: What the pickle would have set on it.
    """

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.state = name, None

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __getattr__(self, name: str) -> Any:
        """Return what the pickle would have set, such as an option of ``argparse.Namespace``."""
        state = self.__dict__.get("state")
        if isinstance(state, Mapping) and name in state:
            return state[name]
        raise AttributeError(name)


class DataType:
    """A NumPy data type whose byte order comes later, as pickles tell it."""

    def __init__(self, text: str) -> None:
        if not NUMBERS.fullmatch(text):
            raise NotPlain(f"the data type {text[:40]!r} holds no plain numbers")
        self.numpy = np.dtype(text)

    def set_state(self, state: Any) -> None:
        """Take the byte order out of the state that NumPy writes, ``(version, order, ...)``."""
        order, fields = state[1], state[2:5]
        if any(field is not None for field in fields) or order not in ("<", ">", "|", "="):
            raise NotPlain("a data type of several fields")
        self.numpy = self.numpy.newbyteorder(order)


def _dtype(text: Any, *_: Any) -> DataType:
    return DataType(_plain_text(text))


class Later(ABC):
    """Stands for a value that is whole only when the pickle has been read."""

    @abstractmethod
    def finished(self) -> Any:
        """Return the value."""


class LaterArray(Later):
    """An array whose content follows in the pickle."""

    def __init__(self) -> None:
        self._array = np.empty(0)

    def set_state(self, state: Any) -> None:
        """Take shape, data type and bytes out of ``(version, shape, dtype, fortran, bytes)``."""
        _, shape, dtype, fortran, raw = state
        self._array = array_of(raw, dtype, shape, "F" if fortran else "C")

    def finished(self) -> Any:
        """Return the array."""
        return self._array


def array_of(raw: Any, dtype: Any, shape: Any, order: Any = "C") -> Any:
    """Return a NumPy array of `raw` bytes.

    Raises:
        NotPlain: The bytes do not fit the shape, or the type holds more than numbers.
    """
    if not isinstance(dtype, DataType) or not isinstance(raw, bytes | bytearray):
        raise NotPlain("an array of other things than numbers")
    if math.prod(shape) * dtype.numpy.itemsize != len(raw) or min(shape, default=0) < 0:
        raise NotPlain("an array claims another size than it holds")
    return np.frombuffer(raw, dtype.numpy).reshape(shape, order="F" if order == "F" else "C").copy()


def _scalar(dtype: Any, raw: Any = b"") -> Any:
    return array_of(raw, dtype, ()).item()


def _encode(text: Any, coding: Any = "latin1") -> bytes:
    if _plain_text(coding) not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise NotPlain("text in an unusual coding")
    return _plain_text(text).encode(coding)


def _plain_text(value: Any) -> str:
    if not isinstance(value, str | int):
        raise NotPlain("something where a text has to be")
    return str(value)


def _path(*parts: Any) -> str:
    return str(PurePosixPath(*map(_plain_text, parts)))


def hashable(keys: Iterable[Any]) -> list[Any]:
    """Return `keys`, each of which is hashed in a moment.

    Raises:
        NotPlain: One is a tuple that holds tuples over and over: its hash walks every path through it.
    """
    found = list(keys)
    for key in found:
        waiting, parts = [key], 0
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, tuple | frozenset):
                parts += len(inner) + 1
                waiting.extend(inner)
            if parts > MOST_KEY_PARTS:
                raise NotPlain("a key that is too deeply nested")
    return found


def _items(*given: Any) -> dict[Any, Any]:
    found = given[-1] if given and isinstance(given[-1], Mapping | list | tuple) else ()
    pairs = list(found.items() if isinstance(found, Mapping) else found)
    hashable(pair[0] for pair in pairs)
    return dict(pairs)


def _default(_: Any = None, *given: Any) -> dict[Any, Any]:
    return _items(*given)


def _object(cls: Any, _: Any = None, state: Any = None) -> Inert:
    """Return what `copyreg` rebuilds under the oldest protocols."""
    made = Inert(getattr(cls, "name", "object"))
    if isinstance(state, Mapping):
        made.update(state)
    return made


def _timezone(offset: Any, *_: Any) -> datetime.timezone:
    return datetime.timezone(offset)


def _text(*given: Any) -> str:
    return " ".join(map(_plain_text, given))


def _dates(kind: type[Any]) -> Callable[..., Any]:
    def build(*given: Any) -> Any:
        if not all(isinstance(value, int | bytes | datetime.tzinfo | None) for value in given):
            raise NotPlain(f"a {kind.__name__} of other things than numbers")
        return kind(*given)

    return build


BUILDERS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _items,
    "collections.Counter": _items,
    "collections.defaultdict": _default,
    "collections.deque": lambda values=(), *_: list(values),
    "builtins.set": lambda values=(): set(hashable(values)),
    "builtins.frozenset": lambda values=(): frozenset(hashable(values)),
    "builtins.dict": _items,
    "builtins.list": lambda values=(): list(values),
    "builtins.tuple": lambda values=(): tuple(values),
    "builtins.bytearray": lambda value=b"", coding="latin1": (
        _encode(value, coding)
        if isinstance(value, str)
        else bytes(value if isinstance(value, bytes) else b"")
    ),
    "builtins.complex": lambda real=0.0, imaginary=0.0: complex(real, imaginary),
    "builtins.slice": lambda *given: tuple(given),
    "builtins.range": lambda *given: tuple(given),
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _object,
    "datetime.datetime": _dates(datetime.datetime),
    "datetime.date": _dates(datetime.date),
    "datetime.time": _dates(datetime.time),
    "datetime.timedelta": _dates(datetime.timedelta),
    "datetime.timezone": _timezone,
    "decimal.Decimal": _text,
    "fractions.Fraction": _text,
    **{
        f"{module}.{name}": _path
        for module in ("pathlib", "pathlib._local")
        for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
    },
    "numpy.dtype": _dtype,
    **{
        f"numpy.{core}.{name}": builder
        for core in ("core", "_core")
        for name, builder in (
            ("multiarray._reconstruct", lambda *_: LaterArray()),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", lambda raw, dtype, shape, order: array_of(raw, dtype, shape, order)),
        )
    },
}
"""By the name in the pickle. Nothing here is called with more than plain values and what is built here."""

TOKENS = frozenset(
    {
        *("numpy.ndarray", "numpy.bool_", "numpy.bool", "numpy.str_", "numpy.bytes_"),
        *(f"numpy.{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *(f"numpy.float{bits}" for bits in (16, 32, 64)),
        *(
            "builtins.int",
            "builtins.float",
            "builtins.str",
            "builtins.bool",
            "builtins.bytes",
            "builtins.object",
        ),
    }
)
"""Classes that pickles pass around, never called."""

OBJECTS = frozenset({"argparse.Namespace", "types.SimpleNamespace", "uuid.UUID", "builtins.object"})
"""Classes of the standard library that only hold values."""
