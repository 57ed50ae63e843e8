"""scikit-learn's small sets by name: `digits`, `iris`, `wine`, `breast_cancer`, `diabetes`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets import stratified
from core.datasets.arrays.layout import cast, dims, row_fits
from core.datasets.builtin.digits import as_images, as_tokens
from core.datasets.builtin.split import held_out, training
from core.datasets.images.normalization import ImageParams, Pixels, PreparedImages, image_input
from core.datasets.label_kinds import for_model
from core.datasets.labels import IGNORED
from core.datasets.splits import CALIBRATION_MOST
from core.domain.model import SourceModel
from core.errors import DataMismatch
from core.params import setting
from core.protocols import Array, DataFormat

SETS = {
    "digits": "Handwritten digits, 8 × 8",
    "iris": "Iris flowers",
    "wine": "Wines by chemistry",
    "breast_cancer": "Breast cancer, 30 features",
    "diabetes": "Diabetes progression, 10 measurements",
}


@dataclass(frozen=True)
class BuiltinParams:
    """What a model of these sets may want differently."""

    scale: str = setting(
        "auto",
        "Pixel range",
        help="Range of the pixels of digits; auto is 0 to 1.",
        choices=("auto", "0..1", "0..255", "-1..1"),
    )
    mean: str = setting("none", "Mean", help="none, auto, or one number per channel, for digits as images.")
    std: str = setting("none", "Standard deviation", help="none, auto, or one number per channel.")


class Builtin(DataFormat):
    """Evaluates on the half of each set that the sample models never saw."""

    id = "builtin"
    name = f"built-in sets ({', '.join(SETS)})"
    order = 0
    sets: ClassVar[dict[str, str]] = SETS
    Params = BuiltinParams

    def recognizes(self, path: Path) -> bool:
        """Whether `path` is the plain name of a set and no file."""
        return str(path) in SETS and not path.exists()

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: BuiltinParams) -> PreparedImages:
        """Return the held-out rows and, for calibration, rows of the training half, with their classes.

        Raises:
            DataMismatch: The model takes something else.
        """
        del folder  # small enough for memory
        values, targets, classes = _load(path.name)
        unseen, seen = held_out(len(targets)), training(len(targets))
        learned = seen[stratified.balanced(targets[seen], len(seen), CALIBRATION_MOST)]
        rows = np.concatenate([unseen, learned])
        array, notes, pixels = _adapt(path.name, values[rows], model, params)
        about = {
            "Set": f"{SETS[path.name]} (scikit-learn's {path.name})",
            "Rows": f"{len(unseen):,} of {len(targets):,} evaluate: those the sample models never saw",
        }
        found = for_model(targets[rows], model)
        return PreparedImages(
            inputs={model.inputs[0].name: array},
            labels=found.indices if found else None,
            classes=classes if found and found.count else (),
            preparation=about | notes | ({} if found else IGNORED),
            label_classes=found.count if found else None,
            pixels=pixels,
            calibration=np.arange(len(unseen), len(rows)),
        )


def _load(name: str) -> tuple[Array, Array, tuple[str, ...]]:
    from sklearn import datasets

    loaded: Any = getattr(datasets, f"load_{name}")()
    return loaded.data, loaded.target, tuple(map(str, loaded.get("target_names", ())))


def _adapt(
    name: str, values: Array, model: SourceModel, params: BuiltinParams
) -> tuple[Array, dict[str, str], Pixels | None]:
    if len(model.inputs) != 1:
        raise DataMismatch(
            f"The model takes {len(model.inputs)} inputs, the built-in set has one.",
            hint="Give an .npz file with one array per input, or leave the data out for random inputs.",
        )
    spec = model.inputs[0]
    pixels = image_input(model, ImageParams(scale=params.scale, mean=params.mean, std=params.std))
    if name == "digits" and pixels is not None:
        images = as_images(values, pixels.height, pixels.width).transpose(0, 2, 3, 1)
        array = pixels.values(np.broadcast_to(images, (*images.shape[:3], pixels.channels)))
        return array, {"Images": "8 x 8 pixels of 0 to 16, each grown to a block"} | pixels.describe(), pixels
    if name == "digits" and np.dtype(spec.dtype).kind in "iu":
        values = as_tokens(values)
    wanted = spec.resolve(model.symbols)[1:]
    if not row_fits(values.shape[1:], spec) and math.prod(wanted) != values.shape[1]:
        raise DataMismatch(
            f"{name} has rows of {values.shape[1]} values, but the model's input {spec.name!r} takes "
            f"{dims(spec.shape[1:])}.",
            hint="Choose data that belongs to this model, or leave it out for random inputs.",
        )
    shaped = values if row_fits(values.shape[1:], spec) else values.reshape(len(values), *wanted)
    return cast(shaped, spec), {spec.name: f"{dims(values.shape[1:])} values, taken as they are"}, None


DATASET = Builtin()
