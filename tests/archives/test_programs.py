from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.archives.programs import check_pt2
from core.errors import CorruptFile, UnsafeUpload
from tests.archives.conftest import TorchFiles
from tests.archives.hostile import PROGRAMS, Runs, blob, rewrite

Entries = Callable[..., Path]


@pytest.fixture
def with_entry(torch_files: TorchFiles, tmp_path: Path) -> Entries:
    """Make the honest program with one more entry."""

    def make(name: str, content: bytes) -> Path:
        path = rewrite(torch_files.program, tmp_path / "model.pt2", lambda _, data: data)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("model/" + name, content)
        return path

    return make


@pytest.fixture
def with_program(torch_files: TorchFiles, tmp_path: Path) -> Callable[[str, str], Path]:
    """Make the honest program with a text in its graph replaced."""

    def make(old: str, new: str) -> Path:
        def change(name: str, data: bytes) -> bytes:
            if not name.endswith("models/model.json"):
                return data
            assert old in data.decode()
            return data.decode().replace(old, new).encode()

        return rewrite(torch_files.program, tmp_path / "model.pt2", change)

    return make


def test_an_honest_program_passes(torch_files: TorchFiles) -> None:
    check_pt2(torch_files.program)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("sample_inputs", r"sample_inputs/model\.pt would run Python code: it asks for builtins\.exec"),
        ("weight", r"model_weights_config\.json marks the tensor .* as a pickled"),
        ("expression", r"models/model\.json computes a shape by .*open"),
        ("guard", r"models/model\.json computes a shape by .*open"),
    ],
)
def test_hostile_programs_are_refused_by_entry(
    torch_files: TorchFiles, tmp_path: Path, how: str, what: str
) -> None:
    target = tmp_path / "ran"
    path = rewrite(torch_files.program, tmp_path / "evil.pt2", PROGRAMS[how](target))
    with pytest.raises(UnsafeUpload, match=what) as caught:
        check_pt2(path)
    assert "torch.export.save" in caught.value.hint
    assert not target.exists()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("torch.os.system", "not an operator"),
        ("torch.hub.load", "not an operator"),
        ("torch.ops.load_library", "not an operator"),
        ("torch.ops.aten.from_file.default", "not an operator"),
        ("torch.ops.aten.__init__.__globals__", "not an operator"),
        ("_operator.methodcaller", "not an operator"),
    ],
)
def test_targets_that_are_no_operators(
    with_program: Callable[[str, str], Path], target: str, why: str
) -> None:
    with pytest.raises(UnsafeUpload, match=why):
        check_pt2(with_program("torch.ops.aten.linear.default", target))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"guards_code": []', "\"guards_code\": [\"__import__('os').system('id') == 0\"]"),
        ('"range_constraints": {', '"range_constraints": {"exit()": {"min_val": 0, "max_val": 1}, '),
        ("builtins.tuple", "collections.defaultdict"),
        ("builtins.tuple", r"collections.default\\u0064ict"),
        (
            r"\"context\": \"null\"",
            r"\"context\": \"{\\\"__enum__\\\": {}, \\\"fqn\\\": \\\"antigravity:x\\\"}\"",
        ),
    ],
)
def test_code_in_other_places(with_program: Callable[[str, str], Path], old: str, new: str) -> None:
    with pytest.raises(UnsafeUpload, match=r"models/model\.json"):
        check_pt2(with_program(old, new))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("data/aotinductor/model/x.so", "compiled code"),
        ("data/aotinductor/model/x.wrapper_metadata.json", "compiled code"),
        ("DATA/AOTInductor/model/x.bin", "compiled code"),
        ("data/constants/custom_obj_0", "pickled Python object"),
        ("data/constants/opaque_obj_0", "pickled Python object"),
    ],
)
def test_entries_that_are_code(with_entry: Entries, name: str, why: str) -> None:
    with pytest.raises(UnsafeUpload, match=why):
        check_pt2(with_entry(name, b"x"))


@pytest.mark.parametrize("name", ["data/weights/model.pt", "data/constants/model.pt", "Data/Weights/x.PT"])
@pytest.mark.parametrize("zipped", [True, False])
def test_pickles_of_older_forms(with_entry: Entries, tmp_path: Path, name: str, zipped: bool) -> None:
    with pytest.raises(UnsafeUpload, match=r"asks for posix\.system"):
        check_pt2(with_entry(name, blob(Runs(tmp_path / "ran"), zipped=zipped)))


def test_a_pickle_with_a_zip_behind_it(with_entry: Entries, tmp_path: Path) -> None:
    two_faced = blob(Runs(tmp_path / "ran"), zipped=False) + blob({"a": 1})
    with pytest.raises(UnsafeUpload, match=r"asks for posix\.system"):
        check_pt2(with_entry("data/weights/model.pt", two_faced))


def test_names_that_differ_in_case(with_entry: Entries) -> None:
    with pytest.raises(UnsafeUpload, match="upper and lower case"):
        check_pt2(with_entry("MODELS/model.json", b"{}"))


def test_a_weight_outside_of_its_folder(torch_files: TorchFiles, tmp_path: Path) -> None:
    def change(name: str, data: bytes) -> bytes:
        return data.replace(b'"weight_0"', b'"../sample_inputs/model.pt"')

    with pytest.raises(UnsafeUpload, match="outside of its folder"):
        check_pt2(rewrite(torch_files.program, tmp_path / "m.pt2", change))


def test_bytes_behind_the_archive(torch_files: TorchFiles, tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    path.write_bytes(torch_files.program.read_bytes() + b"PK\5\6hidden")
    with pytest.raises((UnsafeUpload, CorruptFile)):
        check_pt2(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b"\xff\xfe"])
def test_broken_descriptions_are_corrupt(torch_files: TorchFiles, tmp_path: Path, content: bytes) -> None:
    path = rewrite(
        torch_files.program,
        tmp_path / "m.pt2",
        lambda name, data: content if name.endswith("model.json") else data,
    )
    with pytest.raises(CorruptFile, match=r"models/model\.json"):
        check_pt2(path)


def test_rewriting_alone_does_not_spoil_a_program(torch_files: TorchFiles, tmp_path: Path) -> None:
    path = rewrite(
        torch_files.program,
        tmp_path / "m.pt2",
        lambda name, data: json.dumps(json.loads(data)).encode() if name.endswith(".json") else data,
    )
    check_pt2(path)
