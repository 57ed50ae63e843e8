"""Pictures of gray with rectangles on them, and a detector's description."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.domain.model import SourceModel, TensorSpec
from tests.datasets.models import image_model

WHITE, BLACK = 255, 0


def detector(side: int = 32) -> SourceModel:
    """Return a detector with its NMS inside; its batch is fixed at 1."""
    found = image_model(3, side, None)
    outputs = (TensorSpec("out", "float32", (1, 10, 6)),)
    return replace(found, task="object-detection", outputs=outputs)


def picture(path: Path, box: tuple[int, int, int, int] | None, size: tuple[int, int] = (64, 48)) -> None:
    """Save black with a white rectangle x, y, width, height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.full((size[1], size[0], 3), BLACK, np.uint8)
    if box is not None:
        x, y, width, height = box
        values[y : y + height, x : x + width] = WHITE
    Image.fromarray(values).save(path)


def annotations(count: int = 6, **changes: Any) -> dict[str, Any]:
    """Return COCO's JSON for `count` pictures of 64 x 48 with one box each; categories 3 and 7."""
    found = {
        "images": [{"id": i + 1, "file_name": f"{i}.png", "width": 64, "height": 48} for i in range(count)],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": i, "image_id": i + 1, "category_id": (3, 7)[i % 2], "bbox": [4 + i, 8, 20, 12]}
            for i in range(count)
        ],
    }
    return found | changes


def coco(folder: Path, said: dict[str, Any] | str | None = None, count: int = 6) -> Path:
    """Write a folder of pictures with `said` of them."""
    for index in range(count):
        picture(folder / "images" / f"{index}.png", (4 + index, 8, 20, 12))
    text = said if isinstance(said, str) else json.dumps(said or annotations(count))
    (folder / "annotations.json").write_text(text)
    return folder
