from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.datasets.boxes.coco import DATASET, CocoParams
from core.datasets.build import build, choose_format
from core.datasets.images.normalization import PreparedImages
from core.errors import CorruptFile, DataMismatch
from core.protocols import Array
from tests.datasets.boxes.scenes import annotations, coco, detector, picture


def prepare(path: Path, **params: Any) -> PreparedImages:
    made = CocoParams(**{"class_numbers": "as in the data", **params})
    return DATASET.prepare(path, path / "work", detector(), made)


def labels(found: PreparedImages) -> Array:
    assert found.labels is not None
    assert found.boxes
    return found.labels


def test_boxes_are_corners_in_the_letterboxed_input(tmp_path: Path) -> None:
    path = coco(tmp_path)
    assert choose_format(path) is DATASET
    found = prepare(path)
    # 64 x 48 becomes 32 x 24, with 4 rows of gray above and below.
    np.testing.assert_allclose(labels(found)[1], [[2.5, 8, 12.5, 14, 0, 7]])
    assert found.inputs["input"].shape == (6, 3, 32, 32)
    assert found.preparation["Resized"].startswith("longer side")
    assert found.preparation["Mean"] == "none"
    assert found.preparation["Boxes"] == "6 in 6 images"


@pytest.mark.parametrize("resize", ["letterbox", "stretch", "crop"])
@pytest.mark.parametrize("size", [(64, 48), (48, 64), (32, 32), (100, 37)])
def test_boxes_move_with_the_pixels(tmp_path: Path, resize: str, size: tuple[int, int]) -> None:
    said, where = annotations(4), (size[0] // 2 - 9, size[1] // 2 - 5, 21, 13)
    for index, each in enumerate(said["images"]):
        each |= {"width": size[0], "height": size[1]}
        picture(tmp_path / f"{index}.png", where, size)
        said["annotations"][index]["bbox"] = where
    (tmp_path / "a.json").write_text(json.dumps(said))
    found = prepare(tmp_path, resize=resize)
    white = found.inputs["input"][0].mean(axis=0) > 0.6
    rows, columns = (np.flatnonzero(white.any(axis=axis)) for axis in (1, 0))
    box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(labels(found)[0, 0, :4], box, atol=1)


def test_classes_are_numbered_in_all_ways_a_model_may_unless_it_is_stated(tmp_path: Path) -> None:
    path = coco(tmp_path)
    auto = labels(prepare(path, class_numbers="auto"))
    assert auto[:2, 0, 5:].tolist() == [[3, 0, 1], [7, 1, 2]]
    assert labels(prepare(path, class_numbers="from 1"))[:2, 0, 5:].tolist() == [[1], [2]]
    counted = annotations(categories=[{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}])
    for each in counted["annotations"]:
        each["category_id"] = int(each["category_id"] == 7)
    (tmp_path / "annotations.json").write_text(json.dumps(counted))
    assert labels(prepare(path, class_numbers="auto"))[1, 0, 5:].tolist() == [1, 2]


def test_images_without_boxes_stay_and_crowds_are_marked(tmp_path: Path) -> None:
    said = annotations()
    said["annotations"] = said["annotations"][:2]
    said["annotations"][0] |= {"iscrowd": 1, "segmentation": {"counts": "x", "size": [1, 1]}}
    found = prepare(coco(tmp_path, said))
    assert labels(found)[:, 0, 5].tolist() == [3, 7, -1, -1, -1, -1]
    assert labels(found)[0, 0, 4] == 1
    assert found.preparation["Boxes"].endswith("4 images have none; 1 are crowds, which count neither way")


def test_boxes_are_cut_at_the_edge_and_those_without_area_left_out(tmp_path: Path) -> None:
    said = annotations()
    odd = [
        [-10, -10, 30, 30],
        [60, 40, 500, 500],
        [70, 10, 5, 5],
        [5, 5, 0, 9],
        [5, 5, -3, 9],
        [0, 0, 64, 48],
    ]
    for each, box in zip(said["annotations"], odd, strict=True):
        each["bbox"] = box
    found = prepare(coco(tmp_path, said))
    assert labels(found)[:, 0, 5].tolist() == [3, 7, -1, -1, -1, 7]
    assert labels(found)[0, 0, :4].tolist() == [0, 0, 10, 14]
    assert labels(found)[1, 0, :4].tolist() == [30, 24, 32, 32]
    assert "3 left out, as they have no area inside the picture" in found.preparation["Boxes"]


def test_what_does_not_belong_together_is_left_out_and_counted(tmp_path: Path) -> None:
    said = annotations(8)
    said["images"] += [{"id": 99, "file_name": "images/0.png"}, {"id": 98, "file_name": "../../etc/passwd"}]
    said["annotations"] += [
        {"image_id": 77, "category_id": 3, "bbox": [1, 1, 2, 2]},
        {"image_id": 1, "category_id": 5, "bbox": [1, 1, 2, 2]},
        {"image_id": 1, "category_id": 3, "caption": "a cat"},
    ]
    path = coco(tmp_path, said, 7)
    picture(path / "images" / "other.png", None)
    found = prepare(path)
    assert len(labels(found)) == 7
    assert found.preparation["Left out"] == (
        "1 annotations of images that are not listed; 1 annotations of categories that are not listed; "
        "1 annotations without a box; 2 listed images that are not there; 1 images listed twice; "
        "1 images without an entry"
    )


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ('{"images": [], "annotations": [], "categories": []}', DataMismatch, "hold 0 images"),
        (annotations(categories=[]), DataMismatch, "0 categories"),
        ('{"images": [NaN], "annotations": [], "categories": []}', CorruptFile, "not COCO's format"),
        ('{"images": 5, "annotations": {}, "categories": []}', CorruptFile, "not COCO's format"),
        ('{"images": ' + "[" * 100_000 + ', "annotations": 1, "categories": 1}', CorruptFile, "not COCO's"),
        (
            annotations(images=[{"id": i, "file_name": "none.png"} for i in range(9)]),
            DataMismatch,
            "No listed",
        ),
        (annotations(images=[{"id": 1, "file_name": "0.png"}] * 2), DataMismatch, "Two images have the id 1"),
        (annotations(categories=[{"id": -4}]), DataMismatch, "id -4"),
        (annotations(categories=[{"id": 2**40}]), DataMismatch, "id 1099511627776"),
        (annotations(annotations=[{"image_id": 1, "category_id": 3, "bbox": [1, 2]}]), DataMismatch, r"\[1"),
        (
            json.dumps(annotations()).replace("[4, 8, 20, 12]", "[4, 8, 1e999, 12]"),
            (CorruptFile, DataMismatch),
            "",
        ),
        (
            annotations(images=[{"id": 1, "file_name": "0.png", "width": 640, "height": 480}]),
            DataMismatch,
            "64 x 48 pixels, but its annotations are for 640 x 480",
        ),
        (
            annotations(annotations=[{"image_id": 1, "category_id": 3, "bbox": [1, 2, 9, 9]}] * 2001),
            DataMismatch,
            "up to 2,001 boxes",
        ),
    ],
)
def test_hostile_annotations_are_refused_in_words(tmp_path: Path, said: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        prepare(coco(tmp_path, said))
    assert caught.value.hint


def test_the_split_to_evaluate_on_is_taken_and_names_are_matched_by_their_end(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for split, x in (("train", 2), ("valid", 30)):
            said = annotations(4)
            for index, each in enumerate(said["annotations"]):
                each["bbox"] = [x, 8, 20, 12]
                picture(tmp_path / "one.png", (x, 8, 20, 12))
                archive.write(tmp_path / "one.png", f"wrap/{split}/{index}.png")
            archive.writestr(f"wrap/{split}/_annotations.coco.json", json.dumps(said))
    found = DATASET.prepare(path, tmp_path / "work", detector(), CocoParams())
    assert found.preparation["Annotations"] == "wrap/valid/_annotations.coco.json"
    assert labels(found)[:, 0, 0].tolist() == [15] * 4
    assert (found.inputs["input"][0, 0, 12, 15:25] > 0.8).all()


def test_a_picture_turned_by_its_exif_is_as_its_annotations_have_it(tmp_path: Path) -> None:
    path = coco(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path / "images" / "0.png") as stored:
        stored.save(path / "images" / "0.png", exif=exif)
    found = prepare(path)
    assert (found.inputs["input"][0, 0, 9:13, 3:11] > 0.8).all()


def test_boxes_go_through_the_split_as_plain_data(tmp_path: Path) -> None:
    path = coco(tmp_path / "raw", annotations(40), 40)
    built = build(path, tmp_path / "out", detector())
    assert built.data.boxes
    assert built.data.labelled
    assert built.data.label_shape == (1, 8)
    assert "evaluation/boxes.npy" in built.files
    assert not any(name.endswith("labels.npy") for name in built.files)
    parts = [np.load(tmp_path / "out" / name) for name in built.files if name.endswith("boxes.npy")]
    assert sum(map(len, parts)) == 40
    inputs = np.load(tmp_path / "out" / "evaluation" / "0.npy")
    corners = np.load(tmp_path / "out" / "evaluation" / "boxes.npy")[:, 0]
    for pixels, (x, y, x2, y2, *_) in zip(inputs, corners, strict=True):
        assert (pixels[0, int(y) + 1 : int(y2), int(x) + 1 : int(x2)] > 0.7).all()
    preview = json.loads((tmp_path / "out" / "preview" / "preview.json").read_text())
    assert preview["items"][0]["class"] == "1 box"
    drawn = np.asarray(Image.open(tmp_path / "out" / "preview" / "0.png"))
    assert (drawn == (255, 64, 64)).all(axis=2).any()


def test_a_classifier_gets_the_pictures_and_no_boxes(tmp_path: Path) -> None:
    classifier = replace(detector(), task="image-classification", classes=10)
    found = DATASET.prepare(coco(tmp_path), tmp_path / "work", classifier, CocoParams())
    assert found.labels is None
    assert found.preparation["Mean"] != "none"
