"""Static analysis of pickles: which names one would import, without running it.

A pickle is a program for a small stack machine. It can only do harm through names that it imports, so the
list of those names says whether it is safe. Sources: Python's pickletools; torch._weights_only_unpickler,
whose allow-list this one repeats.
"""

from __future__ import annotations

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from typing import IO, cast

from core.complaints import complaint
from core.errors import CorruptFile, UnsafeUpload

UNKNOWN_NAME = "<a name made up while loading>"
MOST_OPCODES = 20_000_000
LONGEST_VALUE = 64 * 1024**2

_DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "complex32", "complex64", "complex128", "bool"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
    *(
        "quint8",
        "qint8",
        "qint32",
        "quint4x2",
        "quint2x4",
        "bits16",
        "bits8",
        "bits4x2",
        "bits2x4",
        "bits1x8",
    ),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (*range(1, 9), 16, 32, 64)),
    *("float4_e2m1fn_x2",),
)
_KINDS = (
    *("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"),
    *("ComplexFloat", "ComplexDouble", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4"),
)
_REBUILD = (
    *("parameter", "parameter_with_state", "qtensor", "tensor", "tensor_v2", "tensor_v3", "sparse_tensor"),
    *("meta_tensor_no_storage", "wrapper_subclass", "device_tensor_from_numpy"),
    *("device_tensor_from_cpu_tensor",),
)
SAFE_GLOBALS = frozenset(
    {
        *("collections.OrderedDict", "collections.Counter", "_codecs.encode"),
        *("builtins.bytearray", "builtins.set", "builtins.complex"),
        *("torch.nn.parameter.Parameter", "torch.Size", "torch.Tensor", "torch.device"),
        *("torch.serialization._get_layout", "torch._tensor._rebuild_from_type_v2"),
        *("torch.storage.TypedStorage", "torch.storage.UntypedStorage"),
        *("torch.per_tensor_affine", "torch.per_tensor_symmetric", "torch.per_channel_affine"),
        *("torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams"),
        *(f"torch.{name}" for name in _DTYPES),
        *(f"torch.{name}Storage" for name in _KINDS),
        *(f"torch._utils._rebuild_{name}" for name in _REBUILD),
    }
)

_TEXT = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
_SILENT = {"PROTO", "FRAME"}


def stream_globals(stream: IO[bytes]) -> set[str]:
    """Return the dotted names that the pickle at the stream's position would import; leaves it just behind.

    Raises:
        CorruptFile: It is not a whole pickle.
        UnsafeUpload: It is too long to be looked through.
    """
    try:
        return set(_Names(_Bounded(stream)).find())
    except (ValueError, IndexError, OverflowError, EOFError) as error:
        raise CorruptFile(
            f"A pickle in the file is broken: {complaint(error)}.", hint="Save the model again."
        ) from error


class _Bounded:
    """Reads through to a stream, but never takes a value's own word for a length of gigabytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST_VALUE:
            raise UnsafeUpload(
                "A pickle in the file holds a value that is too long to be looked through.",
                hint="Save the weights as .safetensors.",
            )
        return self._stream.read(size)

    def readline(self) -> bytes:
        return self._stream.readline(LONGEST_VALUE)


class _Names:
    """Follows the text constants of a pickle, which is straight-line code, exactly or not at all."""

    def __init__(self, stream: _Bounded) -> None:
        self._stream = stream
        self._memo: dict[int, str | None] = {}
        # What the last opcodes pushed, newest last; None for anything but text. Cut at every other effect.
        self._pushed: list[str | None] = []

    def find(self) -> Iterator[str]:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], self._stream))):
            if count > MOST_OPCODES:
                raise UnsafeUpload(
                    "A pickle in the file is too long to be looked through.",
                    hint="Save the weights as .safetensors.",
                )
            name = opcode.name
            if name in ("GLOBAL", "INST"):
                module, _, attribute = str(argument).partition(" ")
                yield modern_name(module, attribute)
            elif name == "STACK_GLOBAL":
                yield self._stacked()
            elif name in ("EXT1", "EXT2", "EXT4"):
                yield UNKNOWN_NAME
            self._follow(name, argument)

    def _stacked(self) -> str:
        parts = self._pushed[-2:]
        if len(parts) < 2 or parts[0] is None or parts[1] is None:
            return UNKNOWN_NAME
        return f"{parts[0]}.{parts[1]}"

    def _follow(self, name: str, argument: object) -> None:
        top = self._pushed[-1] if self._pushed else None
        if name in _TEXT:
            self._pushed.append(str(argument))
        elif name in _GET and isinstance(argument, int):
            self._pushed.append(self._memo.get(argument))
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = top
        elif name in _PUT and isinstance(argument, int):
            self._memo[argument] = top
        elif name not in _SILENT:
            self._pushed.clear()


def modern_name(module: str, name: str) -> str:
    """Return a name as Python 3 calls it; torch writes Python 2's names for Python's own classes."""
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"
