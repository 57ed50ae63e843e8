"""Checkpoints become plain values; what would have to be called is refused, and never is."""

from __future__ import annotations

import argparse
import collections
import datetime
import pickle
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch

from core.archives.checkpoints import read_checkpoint
from core.archives.torch_files import check_state_dict_pickle, torch_zip_kind
from core.errors import CorruptFile, UnsafeUpload, UnsupportedModel, WhetstoneError
from tests.archives.hostile import Runs, blob


class Order(collections.OrderedDict[str, Any]):
    """Carries no code of its own."""


class Settings:
    def __init__(self, rate: float) -> None:
        self.rate = rate


def read(path: Path, content: bytes) -> Any:
    path.write_bytes(content)
    check_state_dict_pickle(path)
    return read_checkpoint(path)


def saved(value: object, protocol: int, zipped: bool, path: Path) -> bytes:
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    return path.read_bytes()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_what_training_scripts_save_beside_weights(protocol: int, zipped: bool, tmp_path: Path) -> None:
    now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    steps = collections.defaultdict(list, {"loss": [np.float64(0.5)]})
    value = {
        "epoch": np.int64(3), "done": np.bool_(True), "name": np.str_("net"), "when": now,
        "took": datetime.timedelta(minutes=3), "path": PurePosixPath("runs/1"), "steps": steps,
        "curve": np.arange(6.0).reshape(2, 3), "turned": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "other_order": np.arange(3, dtype=">i4"), "args": argparse.Namespace(lr=0.1),
        "settings": Settings(0.1), "random": np.random.get_state(), "own": Order(weight=torch.ones(2)),
    }  # fmt: skip
    found = read(tmp_path / "w.pt", saved(value, protocol, zipped, tmp_path / "made.pt"))
    assert torch_zip_kind(tmp_path / "w.pt") == "state_dict"
    assert {name: found[name] for name in ("epoch", "done", "name", "when", "took", "path", "steps")} == {
        "epoch": 3, "done": True, "name": "net", "when": now, "took": datetime.timedelta(minutes=3),
        "path": "runs/1", "steps": {"loss": [0.5]},
    }  # fmt: skip
    for name in ("curve", "turned", "other_order"):
        np.testing.assert_array_equal(found[name], value[name])
    assert torch.equal(found["own"]["weight"], torch.ones(2))
    assert not isinstance(found["settings"], Settings)
    assert (found["settings"].rate, found["args"].lr) == (0.1, 0.1)


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_of_every_kind_are_what_torch_reads(zipped: bool, tmp_path: Path) -> None:
    shared = torch.rand(4, 5)
    whole = (
        torch.int8,
        torch.uint8,
        torch.bool,
        *([torch.uint16] if zipped else []),
    )  # the old form has none
    value = {
        **{str(dtype): torch.ones(3).to(dtype) for dtype in (torch.float16, torch.bfloat16, torch.float64)},
        **{str(dtype): torch.arange(3).to(dtype) for dtype in whole},
        "turned": shared.t(), "part": shared[1:3, ::2], "none": torch.empty(0, 3), "one": torch.tensor(2.5),
        "parameter": torch.nn.Parameter(torch.rand(2)), "complex": torch.rand(2) * 1j,
    }  # fmt: skip
    content = saved(value, 2, zipped, tmp_path / "made.pt")
    found = read(tmp_path / "w.pt", content)
    expected = torch.load(tmp_path / "made.pt", weights_only=True)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def call(module: str, name: str, *args: Any, opcode: bytes = b"R") -> bytes:
    """Return a pickle that calls a function, without its library."""
    given = pickle.dumps(args, 2)[2:-1]
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + given + opcode + b"."


def torch_file(pickled: bytes, path: Path, **records: bytes) -> bytes:
    """Return a pickle laid out as torch.save does."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", pickled)
        for name, content in records.items():
            archive.writestr(f"w/{name}", content)
    return path.read_bytes()


CALLS = [
    ("os", "system", "true"),
    ("posix", "system", "true"),
    ("builtins", "exec", "1"),
    ("builtins", "eval", "1"),
    ("builtins", "getattr", "a", "b"),
    ("builtins", "__import__", "os"),
    ("builtins", "open", "x", "w"),
    ("builtins", "breakpoint"),
    ("__builtin__", "apply", "x"),
    ("importlib", "import_module", "os"),
    ("subprocess", "Popen", "true"),
    ("functools", "partial", "x"),
    ("operator", "attrgetter", "x"),
    ("pickle", "loads", b""),
    ("ctypes", "CDLL", "libc.so.6"),
    ("runpy", "run_path", "x.py"),
    ("webbrowser", "open", "x"),
    ("pty", "spawn", "sh"),
    ("io", "open_code", "x"),
    ("codecs", "open", "x"),
    ("pathlib", "Path.unlink", "x"),
    ("datetime", "datetime.strptime", "x", "y"),
    ("collections", "namedtuple", "x", "y"),
    ("numpy", "load", "x"),
    ("numpy", "fromfile", "x"),
    ("numpy.testing._private.utils", "runstring", "1", {}),
    ("torch", "load", "x"),
    ("torch", "save", 1, "x"),
    ("torch.hub", "load", "a", "b"),
    ("torch.serialization", "load", "x"),
    ("torch.nn.modules.linear", "Linear", 1, 1),
    ("torchvision.models", "resnet18"),
    ("torch.optim.adam", "Adam", [1]),
    ("typing", "get_type_hints", 1),
    ("pip._internal", "main", ["install", "x"]),
    ("__main__", "Net", 3),
    ("some_library.config", "Mode", 1),
]


@pytest.mark.parametrize("opcode", [b"R", b"\x81"])
@pytest.mark.parametrize(("module", "name", "args"), [(m, n, a) for m, n, *a in CALLS])
def test_whatever_would_be_called_is_refused(
    module: str, name: str, args: list[Any], opcode: bytes, tmp_path: Path
) -> None:
    content = torch_file(call(module, name, *args, opcode=opcode), tmp_path / "made.pt")
    with pytest.raises(UnsafeUpload, match="would run Python code"):
        read(tmp_path / "w.pt", content)


STREAMS = {
    "call_of_a_value": b"\x80\x02]K\x01\x85R.",
    "call_of_a_built_value": b"\x80\x02ccollections\nOrderedDict\n)R)R.",
    "named_arguments": b"\x80\x04c__main__\nNet\n)}\x8c\x01aK\x01s\x92.",
    "instance": b"(I1\nios\nsystem\n.",
    "object": b"\x80\x02(cos\nsystem\nI1\no.",
    "object_of_an_unknown_class": b"\x80\x02(c__main__\nNet\nI1\no.",
    "extension": b"\x80\x02\x82\x01)R.",
    "made_up_name": b"\x80\x04(\x8c\x02osl\x8c\x06system\x93)R.",
    "list_as_dict": b"\x80\x02]K\x01K\x02s.",
    "builder_as_list": b"\x80\x02ccollections\nOrderedDict\nK\x01a.",
    "state_on_a_builder": b"\x80\x02ccollections\nOrderedDict\n}X\x08\x00\x00\x00__code__K\x01sbK\x01\x85R0.",
    "array_of_objects": pickle.dumps(np.array([Runs], dtype=object), 2).replace(b"Runs", b"Nope"),
    "array_that_lies": pickle.dumps(np.arange(4), 2).replace(b"K\x04\x85", b"K\x05\x85"),
    "tuple_as_type": b"\x80\x02cnumpy\ndtype\n)\x85R.",
    "persistent_text": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "cut": b"\x80\x02]K",
    "endless_text": b"\x80\x02X\xff\xff\xff\x7fa.",
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_other_tricks_end_in_errors_of_ours(name: str, tmp_path: Path) -> None:
    with pytest.raises(WhetstoneError):
        read(tmp_path / "w.pt", torch_file(STREAMS[name], tmp_path / "made.pt"))


def test_code_beside_weights_is_not_run(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    for zipped in (True, False):
        with pytest.raises(UnsafeUpload):
            read(tmp_path / "w.pt", blob({"w": torch.ones(2), "x": Runs(target)}, zipped=zipped))
    assert not target.exists()


def test_a_tensor_beyond_its_storage_is_refused(tmp_path: Path) -> None:
    made = tmp_path / "made.pt"
    torch.save({"w": torch.zeros(4)}, made)
    with zipfile.ZipFile(made) as archive:
        records = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    records["data/0"] = records["data/0"][:8]
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in records.items():
            archive.writestr(f"made/{name}", content)
    with pytest.raises(CorruptFile):
        read(tmp_path / "w.pt", made.read_bytes())


def test_a_truncated_old_file_is_told(tmp_path: Path) -> None:
    content = saved({"w": torch.zeros(100)}, 2, False, tmp_path / "made.pt")
    with pytest.raises(CorruptFile, match="ends within the weights"):
        read(tmp_path / "w.pt", content[:-50])


def test_tensors_that_are_not_dense_say_so(tmp_path: Path) -> None:
    quantized = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    for tensor in (quantized, torch.eye(3).to_sparse()):
        with pytest.raises(UnsupportedModel, match="dense float weights"):
            read(tmp_path / "w.pt", saved({"w": tensor}, 2, True, tmp_path / "made.pt"))


def test_tuples_that_hold_one_another_twice_stay_as_few_as_they_are(tmp_path: Path) -> None:
    value: Any = (1,)
    for _ in range(60):
        value = (value, value)
    found = read(tmp_path / "w.pt", torch_file(pickle.dumps({"a": value}, 2), tmp_path / "made.pt"))["a"]
    for _ in range(60):
        assert found[0] is found[1]
        found = found[0]
    assert found == [1]


def _doubled(inner: bytes, times: int = 60) -> bytes:
    """A tuple of two times itself, over and over: hashing it takes two to the `times` steps."""
    return inner + b"2\x86" * times


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x02}" + _doubled(b"K\x01") + b"K\x01s.",
        b"\x80\x02}(" + _doubled(b"K\x01") + b"K\x01u.",
        b"(" + _doubled(b"K\x01") + b"K\x01d.",
        b"\x80\x04\x8f(" + _doubled(b"K\x01") + b"\x90.",
        b"\x80\x04(" + _doubled(b"K\x01") + b"\x91.",
        b"\x80\x02cbuiltins\nset\n](" + _doubled(b"K\x01") + b"e\x85R.",
        b"\x80\x02cbuiltins\nfrozenset\n](" + _doubled(b"K\x01") + b"e\x85R.",
        b"\x80\x02ccollections\nOrderedDict\n](" + _doubled(b"K\x01") + b"K\x01\x86e\x85R.",
    ],
    ids=["item", "items", "dict", "set", "frozenset", "built set", "built frozenset", "ordered"],
)
def test_keys_that_take_for_ever_to_hash_are_refused(stream: bytes, tmp_path: Path) -> None:
    with pytest.raises(WhetstoneError, match="too deeply nested"):
        read(tmp_path / "w.pt", torch_file(stream, tmp_path / "made.pt"))


@pytest.mark.parametrize("zipped", [True, False])
def test_an_array_of_objects_is_called_unsafe_and_not_broken(zipped: bool, tmp_path: Path) -> None:
    content = saved({"a": np.array([None, 1], dtype=object)}, 2, zipped, tmp_path / "made.pt")
    with pytest.raises(UnsafeUpload, match="Beside tensors the file holds the data type 'O"):
        read(tmp_path / "w.pt", content)
