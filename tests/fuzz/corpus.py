"""Whole files of every format, small where there is a choice, and what breaks each."""

from __future__ import annotations

import io
import random
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sample_models.catalogue import by_id
from sample_models.data import held_out_rows
from tests.fuzz.mutations import Change, change_anything, change_csv, change_npy, inner_change
from tests.fuzz.zips import change_member, change_record
from tests.runtimes.tflite import packed, pictures


@dataclass(frozen=True)
class Seed:
    """A file to break.

    Attributes:
        name: Its file name.
        content: Whole, as it would be accepted.
        changes: What breaks it.
        model: Id of the sample whose data it is; empty for a model.
    """

    name: str
    content: bytes
    changes: tuple[Change, ...]
    model: str = ""

    def broken(self, chance: random.Random) -> bytes:
        """Return the content after one change, sometimes a few."""
        content = self.content
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            try:
                content = chance.choice(self.changes)(content, chance)
            except Exception:  # what is broken already may no longer have the form that a change knows
                content = change_anything(content, chance)
        return content or b"x"


ZIP = (change_member, change_member, change_member, change_record, change_anything)


def models() -> list[Seed]:
    """Return every sample in every format, and TorchScript and safetensors beside."""
    seeds = []
    for sample_id in ("cancer-mlp", "digits-resnet", "digits-transformer"):
        files = by_id(sample_id).files
        onnx = inner_change(".onnx")
        kinds = {"onnx": (onnx, onnx, change_anything), "pt2": ZIP, "state_dict": ZIP}
        seeds += [
            Seed(f"{sample_id}{files[kind].suffix}", files[kind].read_bytes(), changes)
            for kind, changes in kinds.items()
        ]
    others = [
        Seed("script.pt", _script(), ZIP),
        Seed("weights.safetensors", _safetensors(), GENERIC),
        Seed("pictures.tflite", packed(pictures()), GENERIC),
        Seed("graph.zip", _graph(), ZIP),
    ]
    return [*seeds, *others]


GENERIC = (change_anything,)


def _script() -> bytes:
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(30, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)).eval()
    out = io.BytesIO()
    torch.jit.save(torch.jit.trace(net, torch.zeros(2, 30)), out)
    return out.getvalue()


def _graph() -> bytes:
    """Return OpenVINO's graph and weights of a sample in a zip."""
    import openvino as ov

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.xml"
        ov.save_model(ov.Core().read_model(str(by_id("cancer-mlp").files["onnx"])), str(path))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for file in (path, path.with_suffix(".bin")):
                archive.write(file, file.name)
        return out.getvalue()


def _safetensors() -> bytes:
    import torch
    from safetensors.torch import save

    weights = torch.load(by_id("cancer-mlp").files["state_dict"], weights_only=True)
    return save({name: value for name, value in weights.items() if isinstance(value, torch.Tensor)})


def data() -> list[Seed]:
    """Return a table, arrays and images that fit the samples."""
    rows = held_out_rows("cancer-mlp")
    inputs, labels = rows.inputs[:40], rows.labels[:40]
    head = ",".join([*(f"f{i}" for i in range(inputs.shape[1])), "label"])
    lines = [",".join([*map(str, row), str(label)]) for row, label in zip(inputs, labels, strict=True)]
    csv = "\n".join([head, *lines]).encode()
    npz, npy = io.BytesIO(), io.BytesIO()
    np.savez_compressed(npz, x=inputs, y=labels)
    np.save(npy, inputs)
    return [
        Seed("rows.csv", csv, (change_csv, change_csv, change_anything), "cancer-mlp"),
        Seed("rows.npz", npz.getvalue(), ZIP, "cancer-mlp"),
        Seed("rows.npy", npy.getvalue(), (change_npy, change_npy, change_anything), "cancer-mlp"),
        Seed("images.zip", _images(), ZIP, "digits-resnet"),
    ]


def _images() -> bytes:
    from PIL import Image

    out, chance = io.BytesIO(), np.random.default_rng(0)
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(30):
            picture = io.BytesIO()
            pixels = chance.integers(0, 256, (12, 12), np.uint8)
            Image.fromarray(pixels).save(picture, ("PNG", "JPEG", "BMP")[number % 3])
            archive.writestr(
                f"{number % 10}/{number}.{('png', 'jpg', 'bmp')[number % 3]}", picture.getvalue()
            )
    return out.getvalue()
