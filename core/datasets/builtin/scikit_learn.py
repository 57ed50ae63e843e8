"""scikit-learn's small sets by name, and `cluttered_digits`, a harder set made of its digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets import stratified
from core.datasets.arrays.layout import cast, dims, row_fits
from core.datasets.builtin.cluttered import IMAGE, TOKENS, cluttered
from core.datasets.builtin.digits import as_images, as_tokens
from core.datasets.builtin.split import held_out, training
from core.datasets.images.normalization import ImageParams, Pixels, PreparedImages, image_input
from core.datasets.label_kinds import for_model
from core.datasets.labels import IGNORED
from core.datasets.splits import CALIBRATION_MOST
from core.datasets.stratified import Indices
from core.domain.model import SourceModel
from core.errors import DataMismatch
from core.params import setting
from core.protocols import Array, DataFormat

SETS = {
    "digits": "Handwritten digits, 8 × 8",
    "cluttered_digits": "Handwritten digits, rotated, cluttered and noisy",
    "iris": "Iris flowers",
    "wine": "Wines by chemistry",
    "breast_cancer": "Breast cancer, 30 features",
    "diabetes": "Diabetes progression, 10 measurements",
}


LEARNED_BYTES = 256 * 1024**2
CLUTTERED = "cluttered_digits"
DIGITS = ("digits", CLUTTERED)
TESTED, LEARNED = 1200, 6000
"""Scenes of `cluttered_digits` that evaluate, and that training sees."""


@dataclass(frozen=True)
class Loaded:
    """A set with its split.

    Attributes:
        values: Rows (n, values).
        targets: Classes or numbers to predict (n,).
        classes: Names in the order of the classes.
        evaluated: Row numbers that only evaluation sees.
        learned: Row numbers that training may see.
    """

    values: Array
    targets: Array
    classes: tuple[str, ...]
    evaluated: Indices
    learned: Indices


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
        data = load(path.name, tokens=np.dtype(model.inputs[0].dtype).kind in "iu")
        seen = data.learned[: max(CALIBRATION_MOST, LEARNED_BYTES // _row_bytes(model))]
        rows = np.concatenate([data.evaluated, seen])
        targets, learned = data.targets[rows], np.arange(len(data.evaluated), len(rows))
        array, notes, pixels = _adapt(path.name, data.values[rows], model, params)
        calibrated = stratified.balanced(targets[learned], len(learned), CALIBRATION_MOST)
        origin = "digits" if path.name == CLUTTERED else path.name
        about = {
            "Set": f"{SETS[path.name]} (scikit-learn's {origin})",
            "Rows": f"{len(data.evaluated):,} to search and test with, which the sample models never saw",
        }
        found = for_model(targets, model)
        return PreparedImages(
            inputs={model.inputs[0].name: array},
            labels=found.indices if found else None,
            classes=data.classes if found and found.count else (),
            preparation=about | notes | ({} if found else IGNORED),
            label_classes=found.count if found else None,
            calibration=learned[calibrated],
            training=learned,
            pixels=pixels,
        )


def _row_bytes(model: SourceModel) -> int:
    """Return the bytes of a row of the first input."""
    spec = model.inputs[0]
    return math.prod(spec.resolve(model.symbols)[1:]) * np.dtype(spec.dtype).itemsize or 1


def load(name: str, tokens: bool = False) -> Loaded:
    """Return the set `name`.

    Args:
        name: One of `SETS`.
        tokens: Whether the pixels of digits are read one by one, by a model of token ids.
    """
    from sklearn import datasets

    if name != CLUTTERED:
        found: Any = getattr(datasets, f"load_{name}")()
        unseen, seen = held_out(len(found.target)), training(len(found.target))
        return Loaded(found.data, found.target, _names(found), unseen, seen)
    found = datasets.load_digits()
    (tested, classes), (learned, others) = scenes(held_out, TESTED, tokens), scenes(training, LEARNED, tokens)
    return Loaded(
        np.concatenate([tested, learned]),
        np.concatenate([classes, others]),
        _names(found),
        np.arange(TESTED),
        np.arange(TESTED, TESTED + LEARNED),
    )


def scenes(half: Callable[[int], Indices], count: int, tokens: bool) -> tuple[Array, Array]:
    """Return `count` cluttered digits (count, values) of one half of scikit-learn's, and their classes."""
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    ours = half(len(classes))
    chosen = np.resize(np.arange(len(ours)), count)
    how = TOKENS if tokens else IMAGE
    return cluttered(pixels[ours], chosen, how, seed=ours[0]), classes[ours][chosen]


def _names(found: Any) -> tuple[str, ...]:
    return tuple(map(str, found.get("target_names", ())))


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
    if name in DIGITS and pixels is not None:
        images = as_images(values, pixels.height, pixels.width).transpose(0, 2, 3, 1)
        array = pixels.values(np.broadcast_to(images, (*images.shape[:3], pixels.channels)))
        side = math.isqrt(values.shape[1])
        grown = {"Images": f"{side} x {side} pixels of 0 to 16, each grown to a block"}
        return array, grown | pixels.describe(), pixels
    if name in DIGITS and np.dtype(spec.dtype).kind in "iu":
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
