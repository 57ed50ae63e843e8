from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, UnrecognizedFile
from core.sources.unsupported import folder_refusal, identify

FILES = {
    "pte": (b"\x1c\0\0\0ET12" + bytes(64), r"ExecuTorch program \(.pte\)"),
    "ncnn": (b"7767517\n75 83\nInput data 0 1 data", "ncnn parameter"),
    "tensorrt": (b"ftrt" + bytes(64), "TensorRT engine"),
    "h5": (b"\x89HDF\r\n\x1a\n" + bytes(64), "Keras"),
    "gguf": (b"GGUF\3\0\0\0" + bytes(64), "GGUF"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(64), "image"),
    "elf": (b"\x7fELF" + bytes(64), "compiled program"),
    "html": (b"<!DOCTYPE html><html></html>", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "Git LFS"),
    "text": (b"import torch\n", "text file"),
    "savedmodel": (b"\x08\x01\x12\x04abcd", "TensorFlow graph"),
    "pickle": (pickle.dumps({"a": 1}), "Python pickle"),
    "sklearn": (pickle.dumps("sklearn.linear_model"), "scikit-learn"),
    "noise": (b"\xf3\x01\x9c" * 100, "in no format"),
    "empty": (b"", "empty"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_refusal_says_what_it_seems_to_be(look, tmp_path: Path, name: str) -> None:
    data, words = FILES[name]
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(UnrecognizedFile, match=words) as caught:
        look(tmp_path / "file")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("MAR-INF/MANIFEST.json", "TorchServe"),
        ("m/data/aotinductor/model/a.so", "AOTInductor"),
        ("net.mlpackage/Data/model.mlmodel", "Core ML"),
        ("saved/saved_model.pb", "SavedModel"),
        ("model.weights.h5", "Keras"),
        ("META-INF/MANIFEST.MF", "Java"),
        ("net/net.tflite", "LiteRT model"),
        ("net.pte", "ExecuTorch"),
        ("net.ncnn.param", "ncnn"),
        ("model.plan", "TensorRT"),
        ("photos/cat.jpg", "data, not a model"),
        ("notes.txt", "zip archive without a model"),
    ],
)
def test_zips(look, tmp_path: Path, member: str, words: str) -> None:
    with zipfile.ZipFile(tmp_path / "file.zip", "w") as archive:
        archive.writestr(member, b"x")
    with pytest.raises(UnrecognizedFile, match=words):
        look(tmp_path / "file.zip")


def test_tars_and_arrays(look, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "m.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("saved_model.pb"), io.BytesIO())
    with pytest.raises(UnrecognizedFile, match="SavedModel"):
        look(tmp_path / "m.tar")
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    with pytest.raises(UnrecognizedFile, match="data, not a model"):
        look(tmp_path / "data.npz")


@pytest.mark.parametrize("seed", range(40))
def test_random_bytes_end_in_a_clear_error(look, tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    start = (
        b"",
        b"PK\x03\x04",
        b"\x08\x08",
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
        b"\x20\0\0\0\0\0\0\0{",
    )[seed % 5]
    (tmp_path / "noise").write_bytes(start + generator.bytes(int(generator.integers(1, 3000))))
    with pytest.raises(InputError) as caught:
        look(tmp_path / "noise")
    assert caught.value.message
    assert caught.value.hint


def test_a_known_file_is_not_foreign_by_accident(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\x01\x02\x03\x04\xff" * 10)
    assert identify(tmp_path / "f") is None


def test_an_archive_of_a_future_version_is_called_damaged(look, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("model.onnx", b"x")
    data = bytearray((tmp_path / "file").read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 241  # the version that is needed to unpack
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(InputError) as caught:
        look(tmp_path / "file")
    assert caught.value.hint


def test_a_length_beyond_all_numbers_is_not_sought(look, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x08\x08\x12" + b"\xff" * 9 + b"\x01" + b"more")
    with pytest.raises(InputError) as caught:
        look(tmp_path / "file")
    assert caught.value.hint


def test_an_engine_is_told_by_its_name_where_its_content_tells_nothing(look, tmp_path: Path) -> None:
    (tmp_path / "net.engine").write_bytes(b"\xf3\x01\x9c" * 100)
    with pytest.raises(UnrecognizedFile, match="TensorRT engine, by its name") as caught:
        look(tmp_path / "net.engine")
    assert "ONNX or .pt2" in caught.value.hint


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("Data/com.apple.CoreML/model.mlmodel", "a Core ML model"),
        ("variables/variables.index", "a folder, not a model file"),
        ("net.param", "an ncnn model"),
    ],
)
def test_folders(tmp_path: Path, member: str, words: str) -> None:
    (tmp_path / "net" / member).parent.mkdir(parents=True)
    (tmp_path / "net" / member).write_bytes(b"x")
    assert words in folder_refusal(tmp_path / "net").message
