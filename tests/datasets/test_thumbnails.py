from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from core.datasets.images.normalization import ImageParams, image_input
from core.datasets.thumbnails import DATA, ThumbnailsRequest, thumbnails
from core.domain.model import DataSet
from core.serde import to_plain
from core.work.unit import Job
from tests.factories import model


def test_chosen_rows_are_pictures_with_the_preprocessing_undone(tmp_path: Path) -> None:
    net = model()
    pixels = image_input(net, ImageParams())
    assert pixels is not None
    shades = np.arange(5, dtype=np.uint8) * 50
    raw = np.broadcast_to(shades[:, None, None, None], (5, 32, 32, 3))
    values = pixels.values(raw)
    for part, rows in (("evaluation", slice(0, 3)), ("search", slice(3, 5))):
        (tmp_path / "in" / part).mkdir(parents=True)
        np.save(tmp_path / "in" / part / "0.npy", values[rows])
        np.save(tmp_path / "in" / part / "labels.npy", np.arange(5)[rows])
    data = DataSet("d", "d", (), ("input",), 0, 5, True, tuple("abcde"), pixels=to_plain(pixels))
    done = thumbnails(
        ThumbnailsRequest(net, data, (4, 1, 9)), Job(tmp_path / "out", inputs={DATA: tmp_path / "in"})
    )
    assert done.values.rows == (4, 1)
    items = json.loads(done.files[0].read_text())["items"]
    assert [item["class"] for item in items] == ["e", "b"]
    for item, shade in zip(items, (200, 50), strict=True):
        with Image.open(tmp_path / "out" / item["file"]) as picture:
            assert picture.getpixel((5, 5)) == (shade,) * 3
