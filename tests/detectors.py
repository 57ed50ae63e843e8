"""A small detector with its NMS inside, and pictures that it labels itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.graphs.torch.modules import quiet_torch
from core.protocols import Array

SIDE = 64
OUTPUTS = ["boxes", "labels", "scores"]


def export_detector(path: Path, batch: bool = False) -> Path:
    """Write a detector of two classes as ONNX: boxes (n, 4), labels (n,), scores (n,) of one picture.

    Args:
        path: Of the file.
        batch: The picture has a batch of 1 in front; else it is (3, 64, 64), as torchvision has it.
    """
    import torch
    from torch import nn
    from torchvision.ops import nms

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(
                nn.Conv2d(3, 16, 5, 4, 2),
                nn.ReLU(),
                nn.Conv2d(16, 32, 3, 2, 1),
                nn.ReLU(),
                nn.Conv2d(32, 32, 3, 1, 1),
            )
            self.classes, self.sizes = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 2, 1)
            at = torch.arange(SIDE // 8) * 8.0 + 4
            self.register_buffer("centres", torch.cartesian_prod(at, at).flip(1))

        def forward(self, image: Any) -> Any:
            features = self.stem(image if batch else image[None]).relu()
            logits = self.classes(features)[0].flatten(1)
            scores, labels = torch.sigmoid(12 * (logits - logits.mean(1, keepdim=True))).max(0)
            half = 4 + 12 * torch.sigmoid(self.sizes(features))[0].flatten(1).T
            boxes = torch.cat([self.centres - half, self.centres + half], 1).clamp(0, SIDE)
            kept = torch.nonzero(scores > 0.2)[:, 0]
            kept = kept[nms(boxes[kept], scores[kept], 0.4)]
            return boxes[kept], labels[kept] + 1, scores[kept]

    torch.manual_seed(3)
    shape = (1, 3, SIDE, SIDE) if batch else (3, SIDE, SIDE)
    with quiet_torch():
        torch.onnx.export(
            Detector().eval(),
            (torch.rand(shape),),
            str(path),
            input_names=["image"],
            output_names=OUTPUTS,
            opset_version=17,
            dynamo=False,
            dynamic_axes={name: {0: "found"} for name in OUTPUTS},
        )
    return path


def pictures(count: int, seed: int = 0) -> list[Array]:
    """Return pictures (64, 64, 3) of bytes with rectangles on noise."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        values = rng.integers(90, 130, (SIDE, SIDE, 3), dtype=np.uint8)
        for _ in range(rng.integers(1, 5)):
            (x, y), (w, h) = rng.integers(0, 44, 2), rng.integers(8, 28, 2)
            values[y : y + h, x : x + w] = rng.integers(0, 256, 3)
        found.append(values)
    return found


def self_labelled(model: Path, folder: Path, count: int = 48) -> Path:
    """Write pictures with what `model` finds in them as COCO's annotations: its own mAP is 100."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model))
    (stated,) = session.get_inputs()
    said: dict[str, list[dict[str, Any]]] = {"images": [], "annotations": []}
    folder.mkdir(parents=True)
    for index, values in enumerate(pictures(count)):
        Image.fromarray(values).save(folder / f"{index}.png")
        said["images"].append({"id": index, "file_name": f"{index}.png"})
        feed = values.transpose(2, 0, 1).astype(np.float32) / 255
        boxes, labels, scores = session.run(OUTPUTS, {stated.name: feed.reshape(stated.shape)})
        for (x, y, x2, y2), label, score in zip(boxes.tolist(), labels, scores, strict=True):
            if score >= 0.5:
                box = [x, y, x2 - x, y2 - y]
                said["annotations"].append({"image_id": index, "category_id": int(label), "bbox": box})
    classes = [{"id": 1, "name": "light"}, {"id": 2, "name": "dark"}]
    (folder / "annotations.json").write_text(json.dumps(said | {"categories": classes}))
    return folder
