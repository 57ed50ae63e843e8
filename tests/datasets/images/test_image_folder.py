from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import stratified
from core.datasets.images.image_folder import DATASET, FolderParams
from core.domain.model import Preprocessing
from core.errors import CorruptFile, DataMismatch, InputError, UnsafeUpload
from core.protocols import Prepared
from tests.datasets.models import image_model, table_model
from tests.pictures import wrong_exif

RNG = np.random.default_rng(0)
COLOURS = {"ant": (255, 0, 0), "bee": (0, 255, 0), "cat": (0, 0, 255)}


def save(path: Path, colour: tuple[int, int, int] = (9, 9, 9), size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for name, colour in COLOURS.items():
        for index in range(4):
            save(tmp_path / "animals" / name / f"{index}.png", colour)
    return tmp_path / "animals"


def prepare(path: Path, folder: Path, side: int = 8, classes: int | None = 3, **params: object) -> Prepared:
    assert DATASET.recognizes(path)
    made = FolderParams(mean="none", std="none", **params)  # type: ignore[arg-type]
    return DATASET.prepare(path, folder / "work", image_model(3, side, classes), made)


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def test_folders_are_classes_in_sorted_order(animals: Path, tmp_path: Path) -> None:
    found = prepare(animals, tmp_path)
    assert found.classes == ("ant", "bee", "cat")
    assert found.labels is not None
    for label, values in zip(found.labels, found.inputs["input"], strict=True):
        assert values.mean(axis=(1, 2)).tolist() == [float(c == label) for c in range(3)]
    assert found.preparation["Classes"] == "ant, bee, cat (folder names, sorted)"


@pytest.mark.parametrize("prefix", ["", "wrap/", "a/b/", "data/test/"])
def test_zips_with_wrappers_and_rubbish(animals: Path, tmp_path: Path, prefix: str) -> None:
    path = zipped(animals, tmp_path / "a.zip", prefix)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/ant/._0.png", b"rubbish")
        archive.writestr(f"{prefix}ant/.DS_Store", b"rubbish")
        archive.writestr(f"{prefix}README.md", b"about")
    found = prepare(path, tmp_path)
    assert found.classes == ("ant", "bee", "cat")
    assert len(found.inputs["input"]) == 12


def test_the_test_split_is_taken(animals: Path, tmp_path: Path) -> None:
    for split, count in (("train", 5), ("test", 2)):
        for name, colour in COLOURS.items():
            for index in range(count):
                save(tmp_path / "all" / split / name / f"{index}.png", colour)
    found = prepare(tmp_path / "all", tmp_path)
    assert len(found.inputs["input"]) == 6
    assert found.preparation["Split"] == "the folder test"


def test_a_list_or_a_setting_fixes_the_order(animals: Path, tmp_path: Path) -> None:
    (animals / "classes.txt").write_text("cat\nbee\nant\n")
    found = prepare(animals, tmp_path)
    assert found.classes == ("cat", "bee", "ant")
    assert found.labels is not None
    assert sorted(set(found.labels[:4])) == [2]
    assert prepare(animals, tmp_path, class_names="bee, cat, ant").classes == ("bee", "cat", "ant")
    (animals / "classes.txt").write_text("cat\nbee\n")
    with pytest.raises(DataMismatch, match="'ant'"):
        prepare(animals, tmp_path)


def test_numbers_are_outputs_even_where_some_are_missing(tmp_path: Path) -> None:
    for name in ("2", "10", "7"):
        save(tmp_path / "n" / name / "a.png")
    found = prepare(tmp_path / "n", tmp_path, classes=11)
    assert found.labels is not None
    assert sorted(found.labels.tolist()) == [2, 7, 10]


def test_an_unknown_order_is_refused_rather_than_guessed(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="the model has 10 outputs"):
        prepare(animals, tmp_path, classes=10)


def test_a_flat_folder_has_no_labels(animals: Path, tmp_path: Path) -> None:
    found = prepare(animals / "ant", tmp_path)
    assert found.labels is None
    assert found.preparation["Images"] == "4 files without labels"


def test_the_shorter_side_is_resized_and_the_centre_cut(tmp_path: Path) -> None:
    picture = Image.fromarray(RNG.integers(0, 256, (180, 300, 3), dtype=np.uint8))
    (tmp_path / "p").mkdir()
    picture.save(tmp_path / "p" / "a.png")
    found = prepare(tmp_path / "p", tmp_path, side=112).inputs["input"][0]
    short, long = 128, 128 * 300 // 180
    resized = picture.resize((long, short), Image.Resampling.BILINEAR)
    left, top = round((long - 112) / 2), round((short - 112) / 2)
    wanted = np.asarray(resized.crop((left, top, left + 112, top + 112))) / np.float32(255)
    np.testing.assert_allclose(found.transpose(1, 2, 0), wanted, atol=1.5 / 255)
    stretched = prepare(tmp_path / "p", tmp_path, side=112, resize="stretch").inputs["input"][0]
    wanted = np.asarray(picture.resize((112, 112), Image.Resampling.BILINEAR)) / np.float32(255)
    np.testing.assert_allclose(stretched.transpose(1, 2, 0), wanted, atol=1e-6)


def test_what_the_model_says_of_its_pixels_is_done_unless_stated(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    (tmp_path / "p").mkdir()
    Image.fromarray(raw).save(tmp_path / "p" / "a.png")
    half, quarter = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    known = Preprocessing("timm's net", half, quarter, crop=1.0, interpolation="bicubic")
    model = replace(image_model(3, 60), preprocessing=known)
    found = DATASET.prepare(tmp_path / "p", tmp_path / "w", model, FolderParams())
    picture = Image.fromarray(raw).resize((60, 60), Image.Resampling.BICUBIC, box=(15, 0, 105, 90))
    wanted = (np.asarray(picture).transpose(2, 0, 1) / 255 - 0.5) / 0.25
    np.testing.assert_allclose(found.inputs["input"][0], wanted, atol=1e-5)
    assert "timm's net" in found.preparation["Preprocessing"]
    stated = FolderParams(mean="none", std="none", interpolation="nearest")
    other = DATASET.prepare(tmp_path / "p", tmp_path / "v", model, stated).inputs["input"]
    nearest = Image.fromarray(raw).resize((60, 60), Image.Resampling.NEAREST, box=(15, 0, 105, 90))
    np.testing.assert_allclose(other[0], np.asarray(nearest).transpose(2, 0, 1) / 255, atol=1e-6)


def test_small_inputs_keep_the_whole_picture(tmp_path: Path) -> None:
    raw = np.zeros((64, 64, 3), np.uint8)
    raw[:4] = 255
    (tmp_path / "p").mkdir()
    Image.fromarray(raw).save(tmp_path / "p" / "a.png")
    assert prepare(tmp_path / "p", tmp_path, side=32).inputs["input"][0, :, 0].min() == 1.0
    assert prepare(tmp_path / "p", tmp_path, side=32, crop=0.5).inputs["input"].max() == 0.0


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    raw = np.zeros((8, 8, 3), np.uint8)
    raw[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "p").mkdir()
    Image.fromarray(raw).save(tmp_path / "p" / "a.png", exif=exif)
    found = prepare(tmp_path / "p", tmp_path).inputs["input"][0, 0]
    assert found[:4].min() == 1.0
    assert found[4:].max() == 0.0


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16", "CMYK"])
def test_every_mode_becomes_rgb_or_gray(tmp_path: Path, mode: str) -> None:
    (tmp_path / "p").mkdir()
    picture = Image.new("RGB", (8, 8), (128, 128, 128))
    if mode == "I;16":
        picture = Image.fromarray(np.full((8, 8), 128 * 257, np.uint16))
    else:
        picture = picture.convert(mode, dither=Image.Dither.NONE, palette=Image.Palette.ADAPTIVE)
    picture.save(tmp_path / "p" / ("a.tif" if mode == "CMYK" else "a.png"))
    grey = 255 if mode == "1" else 128
    found = prepare(tmp_path / "p", tmp_path).inputs["input"]
    np.testing.assert_allclose(found, grey / 255, atol=0.02)
    one = DATASET.prepare(tmp_path / "p", tmp_path, image_model(1, 8), FolderParams()).inputs["input"]
    np.testing.assert_allclose(one, grey / 255, atol=0.02)


def test_a_limit_is_even_over_classes_and_said(
    animals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stratified, "MAX_BYTES", 8 * 8 * 3 * 4 * 6)
    found = prepare(animals, tmp_path)
    assert found.labels is not None
    assert np.bincount(found.labels).tolist() == [2, 2, 2]
    assert found.preparation["Samples"].startswith("6 of 12, chosen evenly over classes")


def test_big_sets_are_mapped_to_disk(animals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = prepare(animals, tmp_path)
    monkeypatch.setattr(stratified, "IN_MEMORY", 100)
    found = prepare(animals, tmp_path)
    assert isinstance(found.inputs["input"], np.memmap)
    np.testing.assert_array_equal(found.inputs["input"], wanted.inputs["input"])


@pytest.mark.parametrize("content", [b"no image", wrong_exif()])
def test_a_bad_image_is_named(animals: Path, tmp_path: Path, content: bytes) -> None:
    (animals / "bee" / "2.png").write_bytes(content)
    with pytest.raises(CorruptFile, match=r"bee/2\.png"):
        prepare(animals, tmp_path)


def test_few_bad_images_are_skipped_and_counted(animals: Path, tmp_path: Path) -> None:
    for index in range(40):
        save(animals / "bee" / f"more{index}.png", COLOURS["bee"])
    (animals / "ant" / "0.png").write_bytes((animals / "ant" / "1.png").read_bytes()[:40])
    found = prepare(animals, tmp_path)
    assert found.preparation["Skipped"] == "1 images that cannot be read"
    assert found.labels is not None
    assert np.bincount(found.labels).tolist() == [3, 44, 4]
    for label, values in zip(found.labels, found.inputs["input"], strict=True):
        assert values.mean(axis=(1, 2)).tolist() == [float(c == label) for c in range(3)]


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(12_000, 12_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_picture_bombs_are_refused(animals: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    (animals / "cat" / "bomb.png").write_bytes(_png(*size))
    with pytest.raises(InputError, match=r"bomb\.png") as caught:
        prepare(animals, tmp_path)
    assert isinstance(caught.value, UnsafeUpload) or size[0] == 2**31 - 1


def test_zips_that_lie_are_refused(animals: Path, tmp_path: Path) -> None:
    path = zipped(animals, tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.png", b"x")
    with pytest.raises(UnsafeUpload):
        prepare(path, tmp_path)
    path = zipped(animals, tmp_path / "b.zip")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(CorruptFile):
        prepare(path, tmp_path)


def test_links_are_not_followed(animals: Path, tmp_path: Path) -> None:
    save(tmp_path / "secret.png", (1, 2, 3))
    (animals / "ant" / "link.png").symlink_to(tmp_path / "secret.png")
    assert len(prepare(animals, tmp_path).inputs["input"]) == 12


def test_other_content_in_disguise_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(CorruptFile):
        prepare(tmp_path / "p", tmp_path)


def test_models_without_images_say_so(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="features float32"):
        DATASET.prepare(animals, tmp_path, table_model(5), FolderParams())


def test_what_holds_no_images_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("a,b")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", io.BytesIO(b"x").read())
    for name in ("empty", "text", "a.zip", "missing"):
        assert not DATASET.recognizes(tmp_path / name)
