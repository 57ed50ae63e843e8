"""NumPy files: `.npz` with inputs and labels, or `.npy` with inputs."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets import stratified
from core.datasets.arrays.headers import Stored, is_npy, is_npz, stored
from core.datasets.arrays.layout import Fitted, fit
from core.datasets.images.normalization import ImageParams, PreparedImages, image_input
from core.datasets.label_kinds import for_model
from core.datasets.labels import IGNORED, Labels, parse_names
from core.domain.model import SourceModel
from core.errors import DataMismatch, InvalidRequest
from core.params import setting
from core.protocols import DataFormat

LABELS = (
    "labels",
    "label",
    "y",
    "target",
    "targets",
    "fine_labels",
    "class",
    "classes",
    "category",
    "species",
    "mask",
    "masks",
)
NAMES = ("class_names", "label_names", "target_names", "classes", "names", "categories")
INPUTS = ("x", "images", "image", "data", "inputs", "input", "features", "samples", "pixels")
SPLITS = ("test", "val", "valid", "validation", "eval", "train", "training")

Found = dict[str, Stored]


@dataclass(frozen=True)
class NpzParams(ImageParams):
    """How arrays become inputs and labels."""

    labels: str = setting(
        "auto", "Labels", help="Name of the array of labels, auto to find it, none for no labels."
    )
    class_names: str = setting("", "Class names", help="In the order of the model's outputs, with commas.")


class NumpyFile(DataFormat):
    """`.npz` and `.npy`."""

    id = "npz"
    name = "NumPy arrays (.npz, .npy)"
    order = 10
    suffixes = (".npz", ".npy")
    Params = NpzParams

    def recognizes(self, path: Path) -> bool:
        """Whether the file begins like a NumPy file or is an archive of them."""
        return is_npy(path) or is_npz(path)

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: NpzParams) -> PreparedImages:
        """Return the arrays as the model's inputs and labels.

        Raises:
            InputError: Damaged, unsafe, or not fitting the model.
        """
        found, left_out = one_split(stored(path))
        key = label_key(found, model, params.labels)
        inputs = input_keys({name: item for name, item in found.items() if name != key}, model)
        samples = _samples([found[name] for name in inputs], found[key] if key else None)
        labels = _labels(found, key, model, params)
        rows = stratified.balanced(
            labels.indices if labels else None, samples, _limit(found, inputs, model, params)
        )
        fitted = [
            fit(found[name], spec, model, params, rows, folder)
            for name, spec in zip(inputs, model.inputs, strict=True)
        ]
        notes = {"Arrays": _roles(inputs, key, model, left_out)}
        notes |= labels.notes if labels else IGNORED if key else {}
        notes |= stratified.describe(len(rows), samples, labels is not None)
        return PreparedImages(
            inputs={spec.name: item.array for spec, item in zip(model.inputs, fitted, strict=True)},
            labels=labels.indices[rows] if labels else None,
            classes=labels.classes if labels else (),
            preparation=notes | _notes(fitted),
            pixels=fitted[0].pixels,
            label_classes=labels.count if labels else None,
        )


def one_split(found: Found) -> tuple[Found, list[str]]:
    """Return the arrays of the test split where the names speak of splits, and the names left out."""
    parts = {name: _split(name) for name in found}
    best = min((SPLITS.index(part) for part in parts.values() if part), default=None)
    kept = {n: item for n, item in found.items() if not parts[n] or SPLITS.index(parts[n]) == best}
    return kept, sorted(set(found) - set(kept))


def label_key(found: Found, model: SourceModel, wanted: str) -> str | None:
    """Return the name of the array of labels, or None where there is none.

    Raises:
        InvalidRequest: `wanted` names no array.
    """
    if wanted == "none":
        return None
    if wanted not in ("auto", ""):
        if wanted not in found:
            raise InvalidRequest(
                f"There is no array {wanted!r}.", hint=f"The arrays are: {', '.join(found)}."
            )
        return wanted
    taken = {spec.name for spec in model.inputs}
    free = {name: item for name, item in found.items() if name not in taken}
    if len(found) == 1:
        return None
    longest = max((item.shape[0] for item in found.values() if item.shape), default=0)
    for name in LABELS:
        for key, item in free.items():
            if _plain(key) == name and not (name == "classes" and _are_names(key, item, longest)):
                return key
    return next((key for key, item in free.items() if _looks_like_labels(item, longest)), None)


def input_keys(found: Found, model: SourceModel) -> list[str]:
    """Return the name of the array for each of the model's inputs.

    Raises:
        DataMismatch: There are too few arrays.
    """
    data = {name: item for name, item in found.items() if item.shape and item.dtype.kind in "biuf"}
    wanted = [spec.name for spec in model.inputs]
    if all(name in data for name in wanted):
        return wanted
    if len(wanted) == 1:
        named = [key for name in INPUTS for key in data if _plain(key) == name]
        if named or data:
            return [(named or list(data))[0]]
    if len(data) < len(wanted):
        raise DataMismatch(
            f"The model takes {len(wanted)} input(s) ({', '.join(wanted)}), but the file holds "
            f"{len(data)} array(s) of numbers ({', '.join(data) or 'none'}).",
            hint=f"Save one array per input: numpy.savez('data.npz', {'=..., '.join(wanted)}=...).",
        )
    named_here = [name for name in wanted if name in data]
    rest = iter([key for key in data if key not in named_here])
    return [name if name in data else next(rest) for name in wanted]


def _plain(key: str) -> str:
    return re.sub(rf"(^|_)({'|'.join(SPLITS)})(?=_|$)", "", key.lower()).strip("_")


def _split(key: str) -> str:
    return next((part for part in re.split(r"[_\W]+", key.lower()) if part in SPLITS), "")


def _are_names(key: str, item: Stored, samples: int) -> bool:
    return (
        _plain(key) in NAMES and item.dtype.kind in "US" and len(item.shape) == 1 and item.shape[0] != samples
    )


def _looks_like_labels(item: Stored, samples: int) -> bool:
    return len(item.shape) == 1 and item.dtype.kind in "iuUS" and item.shape[0] == samples


def _samples(inputs: list[Stored], labels: Stored | None) -> int:
    everything = [*inputs, *([labels] if labels else [])]
    lengths = {item.name: item.shape[0] if item.shape else 0 for item in everything}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise DataMismatch(
            f"The arrays have different numbers of samples: {counted}.",
            hint="Every array needs one row per sample, in the same order.",
        )
    return next(iter(lengths.values()))


def _labels(found: Found, key: str | None, model: SourceModel, params: NpzParams) -> Labels | None:
    if key is None:
        return None
    names = parse_names(params.class_names)
    samples = found[key].shape[0] if found[key].shape else 0
    listed = [item for name, item in found.items() if name != key and _are_names(name, item, samples)]
    if not names and listed:
        names = tuple(str(name) for name in listed[0].read().astype(str))
    return for_model(found[key].read(), model, names)


def _limit(found: Found, inputs: list[str], model: SourceModel, params: NpzParams) -> int:
    """Return how many samples fit into memory once they are as large as the model wants them."""
    pixels = image_input(model, params)
    sizes = [
        math.prod(found[name].shape[1:]) * np.dtype(s.dtype).itemsize
        for name, s in zip(inputs, model.inputs, strict=True)
    ]
    return stratified.limit(
        found[inputs[0]].shape[0], pixels.row_bytes if pixels else sum(sizes), params.max_samples
    )


def _roles(inputs: list[str], key: str | None, model: SourceModel, left_out: list[str]) -> str:
    pairs = [f"{name} for {spec.name}" for name, spec in zip(inputs, model.inputs, strict=True)]
    parts = [*pairs, *([f"{key} for the labels"] if key else [])]
    return ", ".join(parts) + (f"; left out: {', '.join(left_out)}" if left_out else "")


def _notes(fitted: list[Fitted]) -> dict[str, str]:
    return {label: value for item in fitted for label, value in item.notes.items()}


DATASET = NumpyFile()
