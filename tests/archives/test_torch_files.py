from __future__ import annotations

import zipfile
from argparse import Namespace
from pathlib import Path

import pytest

from core.archives.torch_files import check_state_dict_pickle, torch_zip_kind
from core.errors import CorruptFile, UnsafeUpload
from tests.archives.conftest import TorchFiles
from tests.archives.hostile import Runs, blob


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("program", "pt2"),
        ("script", "torchscript"),
        ("weights", "state_dict"),
        ("old_weights", "state_dict"),
        ("checkpoint", "state_dict"),
        ("module", "pickled_module"),
        ("old_module", "pickled_module"),
    ],
)
def test_kinds_are_told_by_content(torch_files: TorchFiles, tmp_path: Path, name: str, kind: str) -> None:
    anonymous = tmp_path / "upload"
    anonymous.write_bytes(getattr(torch_files, name).read_bytes())
    assert torch_zip_kind(anonymous) == kind


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("MAR-INF/MANIFEST.json", "mar"),
        ("m/data/aotinductor/model/x.so", "aoti_package"),
        ("x.wrapper.so", "aoti_package"),
        ("photos/cat.png", None),
    ],
)
def test_other_archives(tmp_path: Path, entry: str, kind: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr(entry, "{}")
    assert torch_zip_kind(tmp_path / "file") == kind


@pytest.mark.parametrize("content", [b"", b"PK", b"\x08\x07onnx", b"hello" * 100])
def test_foreign_files_have_no_kind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert torch_zip_kind(tmp_path / "file") is None
    with pytest.raises(CorruptFile):
        check_state_dict_pickle(tmp_path / "file")


@pytest.mark.parametrize("name", ["weights", "old_weights", "checkpoint"])
def test_weights_pass(torch_files: TorchFiles, name: str) -> None:
    check_state_dict_pickle(getattr(torch_files, name))


@pytest.mark.parametrize("name", ["module", "old_module"])
def test_a_pickled_module_is_refused_with_the_way_out(torch_files: TorchFiles, name: str) -> None:
    with pytest.raises(UnsafeUpload, match=r"asks for torch\.nn\.modules") as caught:
        check_state_dict_pickle(getattr(torch_files, name))
    assert 'torch.export.save(ep, "model.pt2")' in caught.value.hint
    assert 'torch.onnx.export(model, (example,), "model.onnx")' in caught.value.hint


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_weights_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    path, target = tmp_path / "w.pt", tmp_path / "ran"
    path.write_bytes(blob({"a": Runs(target)}, zipped=zipped))
    with pytest.raises(UnsafeUpload, match=r"asks for posix\.system"):
        check_state_dict_pickle(path)
    assert torch_zip_kind(path) == "pickled_module"
    assert not target.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_arguments_beside_weights_may_hold_plain_values_only(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(blob({"args": Namespace(lr=0.1)}, zipped=zipped))
    check_state_dict_pickle(path)
    assert torch_zip_kind(path) == "state_dict"
    path.write_bytes(blob({"args": Namespace(lr=Runs(tmp_path / "ran"))}, zipped=zipped))
    with pytest.raises(UnsafeUpload, match=r"posix\.system"):
        check_state_dict_pickle(path)


def test_a_pickle_with_a_zip_behind_it_is_a_pickle(tmp_path: Path, torch_files: TorchFiles) -> None:
    path = tmp_path / "two_faced.pt"
    path.write_bytes(blob({"a": Runs(tmp_path / "ran")}, zipped=False) + torch_files.weights.read_bytes())
    assert zipfile.is_zipfile(path), "Python alone would look at the zip"
    with pytest.raises(UnsafeUpload, match=r"posix\.system"):
        check_state_dict_pickle(path)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_truncated_files_are_corrupt(tmp_path: Path, torch_files: TorchFiles, keep: float) -> None:
    for source in (torch_files.weights, torch_files.old_weights):
        content = source.read_bytes()
        (tmp_path / "cut").write_bytes(content[: int(len(content) * keep)])
        if source is torch_files.old_weights and keep > 0.5:
            continue  # its pickles come first: only tensors are missing, which torch notices
        with pytest.raises(CorruptFile):
            check_state_dict_pickle(tmp_path / "cut")
