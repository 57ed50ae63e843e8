"""Uploads of toy models."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np

from core.domain.model import SourceModel, TensorSpec
from core.protocols import Inspection, InspectOptions


class ToySource:
    id = "toy"
    name = "Toy"
    order = 5

    def recognizes(self, path: Path) -> bool:
        return zipfile.is_zipfile(path) and zipfile.ZipFile(path).namelist() == ["toy_weights.npy"]

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        kept = Path(shutil.copyfile(path, folder / "model.npz"))
        weights = np.load(kept, allow_pickle=False)["toy_weights"]
        rows, columns = weights.shape
        model = SourceModel(
            id="",
            name=options.name or path.stem,
            format="toy",
            files=(),
            sha256="",
            inputs=(TensorSpec("x", "float32", ("batch", rows)),),
            outputs=(TensorSpec("y", "float32", ("batch", columns)),),
            symbols={"batch": 1},
            batch_symbol="batch",
            parameters=weights.size,
            macs=weights.size,
            size_bytes=kept.stat().st_size,
        )
        return Inspection(model, (kept,))


SOURCE = ToySource()
