from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets.boxes.yolo import DATASET, YoloParams
from core.datasets.build import choose_format
from core.datasets.images.normalization import PreparedImages
from core.errors import CorruptFile, DataMismatch
from tests.datasets.boxes.scenes import detector, picture


def yolo(folder: Path, lines: str = "1 0.25 0.5 0.25 0.5\n", count: int = 5) -> Path:
    for index in range(count):
        picture(folder / "images" / "val" / f"{index}.png", None)
        (folder / "labels" / "val").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / "val" / f"{index}.txt").write_text(lines)
    return folder


def prepare(path: Path, **params: Any) -> PreparedImages:
    return DATASET.prepare(path, path / "work", detector(), YoloParams(**params))


def test_shares_become_corners_and_names_come_from_the_list(tmp_path: Path) -> None:
    path = yolo(tmp_path)
    (path / "data.yaml").write_text("nc: 3\nnames: [ant, bee, cat]\n")
    picture(path / "images" / "train" / "x.png", None)
    picture(path / "images" / "val" / "background.png", None)
    assert choose_format(path) is DATASET
    found = prepare(path)
    assert found.labels is not None
    np.testing.assert_allclose(found.labels[:2, 0], [[4, 10, 12, 22, 0, 1, 2]] * 2)
    assert found.labels[5, 0, 5] == -1
    assert found.preparation["Classes"].startswith("ant, bee, cat")
    assert found.preparation["Split"] == "the folder val"


def test_outlines_are_boxes(tmp_path: Path) -> None:
    found = prepare(yolo(tmp_path, "0 0.25 0.25 0.5 0.25 0.5 0.75 0.25 0.75\n"), class_numbers="from 0")
    assert found.labels is not None
    assert found.labels[0, 0].tolist() == [8, 10, 16, 22, 0, 0]


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        ("1 0.5 0.5 nan 0.5", CorruptFile, "nan"),
        ("1.5 0.5 0.5 0.5 0.5", CorruptFile, "Line 1"),
        ("-1 0.5 0.5 0.5 0.5", CorruptFile, "Line 1"),
        ("1 0.5 0.5 0.5", CorruptFile, "Line 1"),
        ("a cat on a mat", CorruptFile, "a cat"),
        ("1 320 240 64 48", DataMismatch, "no shares"),
        ("\n", DataMismatch, "None of the text files"),
    ],
)
def test_lines_that_cannot_be_are_refused_in_words(
    tmp_path: Path, lines: str, error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        prepare(yolo(tmp_path, lines))


def test_captions_beside_images_are_no_boxes(tmp_path: Path) -> None:
    assert not DATASET.recognizes(yolo(tmp_path, "a photo of a cat"))
    assert choose_format(tmp_path).id == "images"


def test_a_list_of_names_cannot_blow_up(tmp_path: Path) -> None:
    path = yolo(tmp_path)
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(12)
    )
    (path / "data.yaml").write_text(bomb + "names: {0: *m, 1: bee}\n")
    assert prepare(path).preparation["Classes"].startswith("bee")
