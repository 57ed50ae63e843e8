"""PyTorch checkpoints (`torch.save`, zip or legacy format) read as plain values and tensors.

Layouts: torch/serialization.py of torch 2.15, `_load` and `_legacy_load`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.archives.pickles import SAFE_GLOBALS
from core.archives.plain_pickles import Name, PlainUnpickler, whole
from core.archives.plain_values import Later, NotPlain
from core.archives.zips import is_zip, open_zip
from core.complaints import complaint
from core.errors import CorruptFile, UnsafeUpload, UnsupportedModel

if TYPE_CHECKING:
    from torch import Tensor

STORAGES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128", "Untyped": "uint8",
}  # fmt: skip
LEGACY_NUMBER = 0x1950A86A20F9469CFC6C
AGAIN = "Save the weights again: torch.save(model.state_dict(), 'weights.pth')."
BROKEN = (ValueError, TypeError, LookupError, EOFError, AttributeError, ArithmeticError, RuntimeError)


@dataclass
class Storage:
    """Numbers that tensors share.

    Attributes:
        key: Name of the record that holds them.
        dtype: PyTorch's name of their type; ``uint8`` of untyped bytes.
        numbers: One after the other, once they are read.
    """

    key: str
    dtype: str
    numbers: Tensor | None = None


@dataclass
class LaterTensor(Later):
    """A tensor whose storage is read when the pickle has been."""

    storage: Storage
    offset: int
    size: Any
    stride: Any
    dtype: str = ""

    def finished(self) -> Tensor:
        """Return the tensor; PyTorch checks that it lies within its storage."""
        import torch

        numbers = self.storage.numbers
        if numbers is None:
            raise ValueError(f"the numbers of storage {self.storage.key} are missing")
        numbers = numbers.view(getattr(torch, self.dtype)) if self.dtype else numbers
        return torch.as_strided(numbers, tuple(self.size), tuple(self.stride), self.offset)


def read_checkpoint(path: Path) -> object:
    """Return what torch.save wrote to `path`: plain values, NumPy arrays and dense tensors.

    Raises:
        CorruptFile: It is truncated or broken.
        UnsafeUpload: It holds more than that.
        UnsupportedModel: It holds tensors that are quantized or sparse.
    """
    try:
        return whole(_read_zip(path) if is_zip(path) else _read_legacy(path))
    except NotPlain as error:
        raise UnsafeUpload(f"Beside tensors the file holds {error}.", hint=AGAIN) from error
    except (*BROKEN, pickle.UnpicklingError) as error:
        raise CorruptFile(
            f"These weights cannot be read: {complaint(error)}.", hint="Copy or download the file again."
        ) from error


def _read_zip(path: Path) -> object:
    storages = _Storages()
    with open_zip(path) as archive:
        names = archive.namelist()
        (name,) = (name for name in names if name.partition("/")[2] == "data.pkl")
        top = name.partition("/")[0]
        if f"{top}/byteorder" in names and archive.read(f"{top}/byteorder") != b"little":
            raise UnsupportedModel("The weights are stored in big-endian order.", hint=AGAIN)
        with archive.open(name) as stream:
            value = _unpickled(stream, storages)
        for storage in storages.known.values():
            storage.numbers = _numbers(archive.read(f"{top}/data/{storage.key}"), storage.dtype)
    return value


def _read_legacy(path: Path) -> object:
    import torch

    storages = _Storages()
    with path.open("rb") as stream:
        number, *_ = (_unpickled(stream, storages) for _ in range(3))
        if number != LEGACY_NUMBER:
            raise ValueError("it does not begin as torch.save's files do")
        value = _unpickled(stream, storages)
        keys: Any = _unpickled(stream, storages)
        for key in keys:
            storage = storages.known[str(key) if isinstance(key, str | int) else ""]
            count = int.from_bytes(stream.read(8), "little")
            size = count * getattr(torch, storage.dtype).itemsize
            raw = stream.read(size) if size <= path.stat().st_size else b""
            if len(raw) != size:
                raise EOFError("it ends within the weights")
            storage.numbers = _numbers(raw, storage.dtype)
    return value


def _unpickled(stream: IO[bytes], storages: _Storages) -> object:
    return PlainUnpickler(stream, BUILDERS, storages.find).load()


def _numbers(raw: bytes, dtype: str) -> Tensor:
    import torch

    kind = getattr(torch, dtype)
    return torch.frombuffer(bytearray(raw), dtype=kind) if raw else torch.empty(0, dtype=kind)


@dataclass
class _Storages:
    """What the persistent ids of a pickle stand for, ``("storage", class, key, place, count)``."""

    known: dict[str, Storage] = field(default_factory=dict)

    def find(self, pid: Any) -> Storage:
        what, kind, key, _, _, *view = pid
        dtype = STORAGES.get(kind.name.rpartition(".")[2].removesuffix("Storage"))
        if what != "storage" or not isinstance(key, str) or any(view):
            raise ValueError("a persistent id is no storage of weights")
        if dtype is None:
            raise _undense()
        return self.known.setdefault(key, Storage(key, dtype))


def _undense(*_: Any) -> UnsupportedModel:
    return UnsupportedModel(
        "The file holds a tensor that is quantized, sparse or empty; dense float weights are needed.",
        hint=AGAIN,
    )


def _refuse(*_: Any) -> None:
    raise _undense()


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> LaterTensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    return LaterTensor(storage, offset, size, stride)


def _typed(storage: Any, offset: Any, size: Any, stride: Any, _: Any, __: Any, dtype: Any, *___: Any) -> Any:
    made = _tensor(storage, offset, size, stride)
    made.dtype = dtype.name.removeprefix("torch.")
    return made


def _first(value: Any, *_: Any) -> Any:
    return value


def _of_type(function: Name, _: Any, args: Any, *__: Any) -> Any:
    return BUILDERS[function.name](*args)


BUILDERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys((name for name in SAFE_GLOBALS if name.startswith("torch.")), _refuse),
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch._utils._rebuild_device_tensor_from_numpy": _first,
    "torch.nn.parameter.Parameter": _first,
    "torch.serialization._get_layout": _first,
    "torch.Size": lambda sizes=(): tuple(sizes),
    "torch.device": lambda *_: "a device",
}
"""What `torch.load` would call with ``weights_only``, by the name in the pickle; the rest is not dense."""
