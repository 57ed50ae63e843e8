"""Uploads: looked at once, told apart by content and by what was stated."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from core.domain.model import DataSet, SourceModel
from core.domain.run import RunRequest
from core.engine import add_data, add_model
from core.errors import InputError, NotFound, TooLarge, UnrecognizedFile
from core.protocols import InspectOptions
from core.settings import get_settings
from core.store.store import Store
from sample_models import samples

SAMPLE = next(each for each in samples() if each.id == "cancer-mlp").folder / "model.onnx"


def npz(path: Path, shift: float = 0.0) -> Path:
    rows = np.random.default_rng(0).uniform(1, 20, (40, 30)).astype(np.float32) + shift
    np.savez(path, x=rows, y=np.arange(40) % 2)
    return path


def test_the_same_upload_is_described_once_and_another_name_is_another_model(
    store: Store, mlp: SourceModel, tmp_path: Path
) -> None:
    assert add_model(store, Path(shutil.copy(SAMPLE, tmp_path / "model.onnx"))) == mlp
    renamed = add_model(store, SAMPLE, InspectOptions(name="mine"))
    assert (renamed.name, renamed.files) == ("mine", mlp.files)
    assert len(store.models.list()) == 2


def test_an_upload_whose_files_were_lost_is_kept_anew(store: Store, mlp: SourceModel, tmp_path: Path) -> None:
    data = add_data(store, npz(tmp_path / "rows.npz"), mlp)
    for file in (*mlp.files, *data.files):
        store.blobs.path(file).unlink(missing_ok=True)
    assert add_model(store, SAMPLE) == mlp
    assert add_data(store, tmp_path / "rows.npz", mlp) == data
    assert all(store.blobs.verify(file.sha256) for file in (*mlp.files, *data.files))


def test_data_is_told_apart_by_content_and_seed(store: Store, mlp: SourceModel, tmp_path: Path) -> None:
    first = add_data(store, npz(tmp_path / "rows.npz"), mlp)
    assert add_data(store, tmp_path / "rows.npz", mlp) == first
    assert add_data(store, tmp_path / "rows.npz", mlp, seed=1).id != first.id
    assert add_data(store, npz(tmp_path / "rows.npz", shift=1.0), mlp).id != first.id
    assert add_data(store, None, mlp).labelled is False


def test_the_seed_draws_the_random_inputs(store: Store, mlp: SourceModel) -> None:
    def drawn(seed: int) -> set[bytes]:
        files = add_data(store, None, mlp, seed=seed).files
        arrays = [np.load(store.blobs.path(each)) for each in files if each.name.endswith("/0.npy")]
        return {row.tobytes() for array in arrays for row in array}

    assert len(drawn(0)) > 30
    assert drawn(0).isdisjoint(drawn(1))


def test_an_upload_known_from_before_is_not_deleted_with_its_old_run(
    store: Store, mlp: SourceModel, cancer: DataSet
) -> None:
    old = store.runs.create(RunRequest(mlp.id, cancer.id), "old")
    store.runs.request_cancel(old.id)
    add_data(store, "breast_cancer", add_model(store, SAMPLE))
    with Store(grace_s=0.0) as impatient:
        impatient.runs.delete(old.id)
    assert store.models.get(mlp.id) == mlp
    assert store.data.get(cancer.id) == cancer


def test_missing_empty_and_oversized_files(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="no file"):
        add_model(store, tmp_path / "absent.onnx")
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(UnrecognizedFile, match="is empty"):
        add_model(store, tmp_path / "empty.onnx")
    (tmp_path / "large.onnx").write_bytes(b"x" * 2000)
    monkeypatch.setenv("WHETSTONE_UPLOAD_LIMIT_BYTES", "1000")
    get_settings.cache_clear()
    with pytest.raises(TooLarge, match="the limit is"):
        add_model(store, tmp_path / "large.onnx")
    get_settings.cache_clear()


def external(folder: Path, location: str = "weights/model.bin") -> Path:
    folder.mkdir()
    (folder / location).parent.mkdir(exist_ok=True)
    model = onnx.load(str(SAMPLE))
    onnx.save(
        model, str(folder / "net.onnx"), save_as_external_data=True, location=location, size_threshold=16
    )
    return folder / "net.onnx"


def test_onnx_beside_its_weights(store: Store, mlp: SourceModel, tmp_path: Path) -> None:
    path = external(tmp_path / "net")
    found = add_model(store, path, beside=True)
    assert [file.name for file in found.files] == ["model.onnx", "weights/model.bin"]
    assert found.parameters == mlp.parameters
    with path.with_name("weights").joinpath("model.bin").open("r+b") as file:
        file.write(b"0000")
    assert add_model(store, path, beside=True).id != found.id, "other weights are another model"


def test_uploads_of_others_are_no_weights_of_mine(store: Store, tmp_path: Path) -> None:
    path = external(tmp_path / "net", "secret.bin")
    with pytest.raises(InputError, match="missing"):
        add_model(store, path)
    path.with_name("secret.bin").unlink()
    path.with_name("secret.bin").symlink_to(SAMPLE)
    with pytest.raises(InputError):
        add_model(store, path, beside=True)


def test_folders_say_what_they_are(store: Store, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    (saved / "variables").mkdir(parents=True)
    (saved / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    with pytest.raises(UnrecognizedFile, match="folder saved is a TensorFlow SavedModel") as caught:
        add_model(store, saved)
    assert "tf2onnx.convert" in caught.value.hint
    folder = external(tmp_path / "net").parent
    shutil.copy(folder / "net.onnx", folder / "other.onnx")
    with pytest.raises(UnrecognizedFile, match="is a folder") as caught:
        add_model(store, folder)
    assert "net.onnx" in caught.value.hint


def test_a_folder_of_one_graph_and_its_weights_is_that_model(
    store: Store, mlp: SourceModel, tmp_path: Path
) -> None:
    found = add_model(store, external(tmp_path / "net").parent)
    assert (found.name, found.parameters) == ("net", mlp.parameters)
    assert [file.name for file in found.files] == ["model.onnx", "weights/model.bin"]
