# ruff: noqa: E501 (tables read best with one entry a line)
"""Unsupported formats: what a file seems to be (TensorFlow, scikit-learn, ...), and what its owner can do."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.archives.zips import names_in_zip
from core.errors import UnrecognizedFile
from core.texts import shown

HEAD = 4096
MOST_NAMES = 10_000
MODEL_SUFFIXES = (".onnx", ".pt2", ".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".zip", ".tflite", ".xml")
SUPPORTED = (
    "Upload ONNX (.onnx), torch.export (.pt2), TorchScript, PyTorch weights (.pth, .safetensors), LiteRT (.tflite) "
    "or OpenVINO IR (.xml with its .bin)."
)
CONVERT_TF = (
    "Where TensorFlow is, make a file that can be taken: tf.lite.TFLiteConverter.from_saved_model(DIR).convert() "
    "gives a .tflite, python -m tf2onnx.convert --saved-model DIR --output model.onnx an ONNX file."
)
CONVERT_KERAS = (
    "Where Keras is, make a file that can be taken: tf.lite.TFLiteConverter.from_keras_model(model).convert() gives "
    "a .tflite, model.export('model.onnx', format='onnx') an ONNX file."
)
ONE_WAY = (
    "It is compiled for one runtime and cannot be turned back: upload the network it was made from, as {0}."
)
FROM_TORCH, FROM_ANY = ONE_WAY.format(".pt2"), ONE_WAY.format("ONNX or .pt2")


@dataclass(frozen=True)
class Foreign:
    """A kind of file: what it is, in words that follow "This is", and what to do."""

    what: str
    hint: str = SUPPORTED

    @property
    def model(self) -> bool:
        """Whether it is a model, though in a form that cannot be taken."""
        return self.hint in (CONVERT_TF, CONVERT_KERAS, FROM_TORCH, FROM_ANY)


_EXPORT = "Load it where it was made and export it to ONNX."
_IMAGE = Foreign("an image", "Images are data: upload the model here, and the images as its data set.")
_DATA = Foreign("data, not a model", "Upload the model here, and this file as its data set.")

MAGIC: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"\x89HDF", Foreign("an HDF5 file, probably of Keras", CONVERT_KERAS)),
    (0, b"GGUF", Foreign("a GGUF language model", "GGUF files are already quantized for llama.cpp; give the float model.")),
    (4, b"ORTM", Foreign("a model in ONNX Runtime's own ORT format", "Upload the .onnx file that it was made from.")),
    (4, b"ET12", Foreign("an ExecuTorch program (.pte)", FROM_TORCH)),
    (0, b"ftrt", Foreign("a TensorRT engine", FROM_ANY)),
    (0, b"ptrt", Foreign("a TensorRT engine", FROM_ANY)),
    (0, b"\x89PNG", _IMAGE),
    (0, b"\xff\xd8\xff", _IMAGE),
    (0, b"GIF8", _IMAGE),
    (0, b"BM", _IMAGE),
    (8, b"WEBP", _IMAGE),
    (0, b"\x93NUMPY", _DATA),
    (0, b"PAR1", _DATA),
    (0, b"ARROW1", _DATA),
    (0, b"%PDF", Foreign("a PDF document")),
    (0, b"\x7fELF", Foreign("a compiled program")),
    (0, b"MZ", Foreign("a Windows program")),
    (0, b"7z\xbc\xaf\x27\x1c", Foreign("a 7z archive", "Unpack it and upload the model, or a .zip.")),
    (0, b"Rar!", Foreign("a RAR archive", "Unpack it and upload the model, or a .zip.")),
    (0, b"\x1f\x8b", Foreign("a gzip archive", "Unpack it and upload the model, or a .zip.")),
    (0, b"BZh", Foreign("a bzip2 archive", "Unpack it and upload the model, or a .zip.")),
    (0, b"\xfd7zXZ", Foreign("an xz archive", "Unpack it and upload the model, or a .zip.")),
    (0, b"\x28\xb5\x2f\xfd", Foreign("a zstd archive", "Unpack it and upload the model, or a .zip.")),
    (0, b"7767517\n", Foreign("an ncnn parameter file (.param)", FROM_ANY)),
    (0, b"\xdd\x85\x76\x00", Foreign("a binary ncnn parameter file", FROM_ANY)),
)  # fmt: skip

MEMBERS: tuple[tuple[str, Foreign], ...] = (
    ("mar-inf/manifest.json", Foreign("a TorchServe archive (.mar)", "It holds Python code. Upload the .pt or .pth inside.")),
    ("data/aotinductor/", Foreign("an AOTInductor package", "It is compiled code. Save the program: torch.export.save(program, 'm.pt2').")),
    (".mlmodel", Foreign("a Core ML model", FROM_ANY)),
    ("saved_model.pb", Foreign("a TensorFlow SavedModel", CONVERT_TF)),
    ("model.weights.h5", Foreign("a Keras model", CONVERT_KERAS)),
    (".h5", Foreign("a zip with an HDF5 file, probably of Keras", CONVERT_KERAS)),
    (".tflite", Foreign("a zip with a LiteRT model", "Unpack it and upload the .tflite file.")),
    (".pte", Foreign("a zip with an ExecuTorch program (.pte)", FROM_TORCH)),
    (".param", Foreign("a zip with an ncnn model (.param and .bin)", FROM_ANY)),
    (".engine", Foreign("a zip with a TensorRT engine", FROM_ANY)),
    (".plan", Foreign("a zip with a TensorRT engine", FROM_ANY)),
    (".pdmodel", Foreign("a PaddlePaddle model", "Convert it first: paddle2onnx --model_dir DIR --save_file model.onnx.")),
    ("meta-inf/manifest.mf", Foreign("a Java archive")),
    ("word/document.xml", Foreign("an office document")),
    ("xl/workbook.xml", Foreign("an office document")),
    (".npy", _DATA),
    (".safetensors", Foreign("a zip with weights inside", "Unpack it and upload the .safetensors file.")),
    (".pth", Foreign("a zip with weights inside", "Unpack it and upload the .pth file.")),
    (".pt", Foreign("a zip with weights inside", "Unpack it and upload the .pt file.")),
    (".pt2", Foreign("a zip with a model inside", "Unpack it and upload the .pt2 file.")),
    (".jpg", _DATA),
    (".jpeg", _DATA),
    (".png", _DATA),
)  # fmt: skip

TEXTS: tuple[tuple[str, Foreign], ...] = (
    ("<?xml", Foreign("an XML file")),
    ("version https://git-lfs", Foreign("a Git LFS pointer, not the model itself", "Fetch the file: git lfs pull.")),
    ("<!doctype html", Foreign("a web page, not the model itself", "Download the file itself, not the page about it.")),
    ("<html", Foreign("a web page, not the model itself", "Download the file itself, not the page about it.")),
    ("pmml", Foreign("a PMML model", _EXPORT)),
)  # fmt: skip


def refusal(path: Path) -> UnrecognizedFile:
    """Return the error that says what `path` seems to be and what to do."""
    size = path.stat().st_size
    if size == 0:
        return UnrecognizedFile("The file is empty.", hint="Copy or download it again.")
    found = identify(path) or SUFFIXES.get(path.suffix.lower())
    if found is None:
        message = f"This file of {size:,} bytes is in no format that Whetstone knows."
        return UnrecognizedFile(message, hint=SUPPORTED)
    return UnrecognizedFile(f"This is {found.what}.", hint=found.hint)


SUFFIXES: dict[str, Foreign] = {
    ".engine": Foreign("a TensorRT engine, by its name", FROM_ANY),
    ".plan": Foreign("a TensorRT engine, by its name", FROM_ANY),
    ".trt": Foreign("a TensorRT engine, by its name", FROM_ANY),
    ".mlmodel": Foreign("a Core ML model, by its name", FROM_ANY),
}
"""What content does not tell for sure."""


def folder_refusal(path: Path) -> UnrecognizedFile:
    """Return the error that says what the folder at `path` seems to be and what to do."""
    names = sorted(str(each.relative_to(path)) for each in islice(path.rglob("*"), MOST_NAMES))
    found = _in_names(iter(names))
    if found is not None and found.model:
        what = found.what.replace("a zip with ", "")
        return UnrecognizedFile(f"The folder {path.name} is {what}.", hint=found.hint)
    models = [name for name in names if name.lower().endswith(MODEL_SUFFIXES)]
    return UnrecognizedFile(
        f"{path.name} is a folder, not a model file.",
        hint=f"Give one of the files in it: {shown(models)}."
        if models
        else "Give the path of one model file.",
    )


def identify(path: Path) -> Foreign | None:
    """Return what `path` seems to be, by its first bytes or the names inside it."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    for offset, magic, kind in MAGIC:
        if head[offset:].startswith(magic):
            return kind
    if zipfile.is_zipfile(path):
        return _in_names(iter(names_in_zip(path))) or Foreign("a zip archive without a model")
    if head[257:262] == b"ustar":
        return _in_names(_tar_names(path)) or Foreign("a tar archive", "Unpack it and upload the model.")
    return _zip_start(head) or _pickle(head) or _text(head) or _saved_model(head)


def _zip_start(head: bytes) -> Foreign | None:
    if not head.startswith(b"PK\x03\x04"):
        return None
    return Foreign("a zip archive whose end is missing", "The file is truncated: copy or download it again.")


def _tar_names(path: Path) -> Iterator[str]:
    try:
        with tarfile.open(path) as archive:
            for _, member in zip(range(10_000), archive, strict=False):
                yield member.name
    except (tarfile.TarError, OSError, ValueError, EOFError, zlib.error):
        return


def _in_names(names: Iterator[str]) -> Foreign | None:
    lower = [name.lower() for name in names]
    for part, kind in MEMBERS:
        if any(name.endswith(part) or (part.endswith("/") and part in name) for name in lower):
            return kind
    return None


def _pickle(head: bytes) -> Foreign | None:
    if not (head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05"):
        return None
    if b"sklearn" in head:
        what = "a pickled scikit-learn model"
        return Foreign(what, "Convert it with skl2onnx: to_onnx(model, X[:1], options={'zipmap': False}).")
    hint = "Pickles can run code when opened, so they are not. Export the model to ONNX or .pt2."
    return Foreign("a Python pickle", hint)


def _text(head: bytes) -> Foreign | None:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < HEAD else "ignore").lower()
    except UnicodeDecodeError:
        return None
    if any(ord(letter) < 9 for letter in text):
        return None
    for part, kind in TEXTS:
        if part in text[:600]:
            return kind
    return Foreign("a text file", SUPPORTED)


def _saved_model(head: bytes) -> Foreign | None:
    """TensorFlow's SavedModel begins with schema version 1, a frozen graph with its first node's name."""
    if head[:3] == b"\x08\x01\x12" or (head[:1] == b"\x0a" and b"Placeholder" in head[:64]):
        return Foreign("a TensorFlow graph", CONVERT_TF)
    return None
