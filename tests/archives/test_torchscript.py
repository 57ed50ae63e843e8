from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core.archives.torchscript import FILE_OPERATORS, NAMESPACES, check_torchscript
from core.errors import UnsafeUpload
from tests.archives.conftest import TorchFiles
from tests.archives.hostile import SCRIPTS, SPELLINGS, respelled, script_on_load

FILE_ARGUMENTS = {"filename", "file", "file_name", "filepath"}


def code_file(path: Path, code: str, name: str = "m/code/__torch__.py") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/constants.pkl", b"")
        archive.writestr(name, code)
    return path


def run(path: Path) -> None:
    import torch

    torch.jit.load(path)(torch.ones(1))


def test_honest_torchscript_passes(torch_files: TorchFiles) -> None:
    check_torchscript(torch_files.script)


@pytest.mark.parametrize(
    "code",
    [
        'raise Exception("load the weights first, then save")',
        "y = self.saved + payload  # save and load",
        'z = getattr(self, "0")',
        "w = ops.quantized.linear(x) + self.ops.image",
        'q = "don\'t"',
    ],
)
def test_words_like_these_are_no_reason(tmp_path: Path, code: str) -> None:
    check_torchscript(code_file(tmp_path / "m.pt", code))


@pytest.mark.parametrize("how", SCRIPTS)
def test_torchscript_that_opens_files_is_refused(tmp_path: Path, how: str) -> None:
    path = SCRIPTS[how](tmp_path / "script.pt", tmp_path / "ran")
    with pytest.raises(UnsafeUpload, match=r"names (save|from_file), an operator that opens files"):
        check_torchscript(path)


def test_no_spelling_hides_the_call(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    source = script_on_load(tmp_path / "source.pt", ran)
    for name, spelling in SPELLINGS.items():
        path = respelled(source, tmp_path / f"{name}.pt", spelling)
        run(path)
        assert ran.exists(), f"the attack {name} must work, or this test proves nothing"
        ran.unlink()
        with pytest.raises(UnsafeUpload, match=r"names save|where no network"):
            check_torchscript(path)


@pytest.mark.parametrize(("old", "new"), [(".py", ".PY"), ("code/", "CODE/")])
def test_upper_case_hides_no_code(tmp_path: Path, old: str, new: str) -> None:
    source, path, ran = tmp_path / "source.pt", tmp_path / "upper.pt", tmp_path / "ran"
    script_on_load(source, ran)
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as copy:
        for entry in archive.infolist():
            copy.writestr(entry.filename.replace(old, new), archive.read(entry))
    run(path)
    assert ran.exists()
    with pytest.raises(UnsafeUpload, match="names save"):
        check_torchscript(path)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("ops.image.decode(x)", "'image'"),
        ("ops.inductor._reinterpret_tensor(x)", "'inductor'"),
        ("o = ops", "where no network"),
        ('x = "never closed\n torch.relu(x)', "without an end"),
        ('x = """never closed', "without an end"),
        ("# type: torch.save(x)", "names save"),
        ("x = 1\n  .save", "names save"),
    ],
)
def test_other_ways_are_refused(tmp_path: Path, code: str, why: str) -> None:
    with pytest.raises(UnsafeUpload, match=why):
        check_torchscript(code_file(tmp_path / "m.pt", code))


def test_the_oldest_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="layout"):
        check_torchscript(code_file(tmp_path / "m.pt", "{}", "m/model.json"))


def test_every_operator_of_torch_that_takes_a_file_is_known() -> None:
    import torch
    import torchvision  # noqa: F401  registers operators of its own

    names = {
        tuple(schema.name.split("::"))
        for schema in torch._C._jit_get_all_schemas()
        if any(argument.name in FILE_ARGUMENTS for argument in schema.arguments)
    }
    assert len(names) >= 4
    assert all(name in FILE_OPERATORS or space not in NAMESPACES for space, name in names)
