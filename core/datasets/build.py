"""Data preparation: any format to a validated, split data set in a folder."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from core.datasets.images.normalization import ImageParams, PreparedImages
from core.datasets.images.transforms import resizing
from core.datasets.labels import listed
from core.datasets.preview import COUNT, write_preview
from core.datasets.splits import Part, Split, split, split_around
from core.datasets.validation import check
from core.domain.model import DataSet, SourceModel
from core.errors import DataMismatch, InvalidRequest, UnrecognizedFile
from core.params import make
from core.protocols import Array, DataFormat, Prepared
from core.registry import data_formats
from core.serde import to_plain

COPY_BYTES = 16 * 1024**2
SCRATCH = "scratch"
RANDOM = "random"


LONGEST_NAME = 80
"""Characters of a file's name in a message."""


@dataclass(frozen=True)
class Built:
    """A data set in a folder.

    Attributes:
        data: Description; `id` and `files` are empty, the engine fills them in.
        files: Names below the folder: arrays, labels and preview.
    """

    data: DataSet
    files: tuple[str, ...]


def choose_format(path: Path | None, wanted: str = "") -> DataFormat:
    """Return the format of `path` by its content, or the one `wanted` by its id.

    Raises:
        InvalidRequest: There is no such format.
        UnrecognizedFile: No format knows the content.
    """
    formats = data_formats()
    if wanted and wanted not in formats:
        raise InvalidRequest(f"There is no data format {wanted!r}.", hint=f"Known: {', '.join(formats)}.")
    if wanted:
        return formats[wanted]
    if path is None:
        return formats[RANDOM]
    named = path.name if len(path.name) < LONGEST_NAME else f"{path.name[:LONGEST_NAME]}…"
    try:
        there = path.exists()
        found = next((each for each in formats.values() if each.recognizes(path)), None)
    except (OSError, ValueError) as error:  # no file can have this name, or it may not be read
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnrecognizedFile(
            f"The data {named!r} cannot be read: {why}.", hint="Check the path and who may read it."
        ) from error
    if found is None:
        known = "; ".join(each.name for each in formats.values())
        state = "is of no known format" if there else "is not there"
        raise UnrecognizedFile(f"The data {named!r} {state}.", hint=f"Data can be: {known}.")
    return found


def build(
    path: Path | None,
    folder: Path,
    model: SourceModel,
    params: dict[str, Any] | None = None,
    seed: int = 0,
    wanted: str = "",
    training: Path | None = None,
) -> Built:
    """Read data, fit it to `model`, check it, split it, and write it below `folder`.

    Args:
        path: File, folder or name of a built-in set; None draws random inputs.
        folder: Where the parts and `preview/` go.
        model: What the rows must fit.
        params: Values of the format's `Params`.
        seed: Of the split.
        wanted: Id of the format; empty finds it.
        training: File or folder of a training set of its own; rows that evaluate are left out of it.

    Raises:
        InputError: The data is not recognised, damaged, unsafe or does not fit the model.
    """
    model = model.with_sample_axis()
    begin = perf_counter()
    prepared, origin, made = _prepared(path, folder, model, params or {}, wanted)
    took_ms = 1000 * (perf_counter() - begin)
    parts = _split(prepared, prepared.rows, seed)
    files = _write(folder, Part.CALIBRATION, prepared, model, parts.calibration)
    files += _write(folder, Part.SEARCH, prepared, model, parts.search)
    files += _write(folder, Part.TEST, prepared, model, parts.test)
    files += write_preview(folder, prepared, model, parts.test[:COUNT])
    learned = 0
    if training is None and prepared.training is not None:
        files += _write(folder, Part.TRAINING, prepared, model, prepared.training)
        learned = len(prepared.training)
    if training is not None:
        ours = params if choose_format(training).id == origin else {}
        other, _, _ = _prepared(training, folder / SCRATCH, model, ours or {}, "")
        evaluated = np.concatenate([parts.search, parts.test])
        rows = _not_among(other, prepared, model, evaluated)
        _check_training(prepared, other, len(rows))
        files += _write(folder, Part.TRAINING, other, model, rows)
        learned = len(rows)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    data = DataSet(
        id="",
        name=path.stem if path is not None else "Random inputs",
        files=(),
        inputs=tuple(spec.name for spec in model.inputs),
        calibration_samples=len(parts.calibration),
        evaluation_samples=len(parts.search) + len(parts.test),
        labelled=prepared.labels is not None,
        classes=prepared.classes,
        origin=origin,
        preparation=prepared.preparation | {"Used as": described(parts, learned)},
        search_samples=len(parts.search),
        training_samples=learned,
        preprocess_ms=took_ms / max(1, prepared.rows) if data_formats()[origin].from_files else None,
        pixels=_pixels(prepared),
        resizing=_resizing(prepared, made, model),
        **_labelling(prepared),
    )
    return Built(data, tuple(files))


def _prepared(
    path: Path | None, folder: Path, model: SourceModel, params: dict[str, Any], wanted: str
) -> tuple[Prepared, str, Any]:
    """Return checked rows, the id of their format and its parameters."""
    found = choose_format(path, wanted)
    made = make(found.Params, params)
    if path is None and found.id != RANDOM:
        raise InvalidRequest(f"The format {found.name} needs data.", hint="Give a file or folder.")
    prepared = found.prepare(path or Path(found.id), folder / SCRATCH, model, made)
    check(prepared, model)
    return prepared, found.id, made


def _pixels(prepared: Prepared) -> dict[str, Any] | None:
    known = prepared.pixels if isinstance(prepared, PreparedImages) else None
    return None if known is None else dict(to_plain(known))


def _resizing(prepared: Prepared, params: Any, model: SourceModel) -> dict[str, Any] | None:
    known = prepared.pixels if isinstance(prepared, PreparedImages) else None
    return resizing(known, params, model) if known is not None and isinstance(params, ImageParams) else None


def _labelling(prepared: Prepared) -> dict[str, Any]:
    labels = prepared.labels
    if labels is None:
        return {}
    if prepared.boxes:
        return {"boxes": True, "box_classes": prepared.box_classes, "label_shape": labels.shape[1:]}
    numbers = labels.dtype.kind == "f"
    spread = float(labels.std()) if numbers else 0.0
    return {
        "numbers": numbers,
        "label_classes": prepared.label_classes,
        "label_shape": labels.shape[1:],
        "label_spread": spread,
    }


def _split(prepared: Prepared, samples: int, seed: int) -> Split:
    if prepared.calibration is not None:
        seen = prepared.calibration if prepared.training is None else prepared.training
        return split_around(prepared.calibration, seen, prepared.labels, samples, seed)
    return split(prepared.labels, samples, seed)


def _write(folder: Path, part: Part, prepared: Prepared, model: SourceModel, rows: Array) -> list[str]:
    """Write the `rows` of every input in pieces, so that neither side has to be in memory at once."""
    if not len(rows):
        return []
    (folder / part).mkdir(parents=True, exist_ok=True)
    names = []
    for index, spec in enumerate(model.inputs):
        array = prepared.inputs[spec.name]
        names.append(f"{part}/{index}.npy")
        shape = (len(rows), *array.shape[1:])
        out = np.lib.format.open_memmap(folder / names[-1], mode="w+", dtype=array.dtype, shape=shape)
        step = max(1, COPY_BYTES // max(1, array[:1].nbytes))
        for start in range(0, len(rows), step):
            out[start : start + step] = array[rows[start : start + step]]
        out.flush()
    if prepared.labels is not None:
        names.append(part.boxes if prepared.boxes else part.labels)
        np.save(folder / names[-1], prepared.labels[rows], allow_pickle=False)
    return names


def described(parts: Split, learned: int) -> str:
    """Return what the samples are used for, as the end of a line for people."""
    train = f"{learned:,} to train, " if learned else ""
    both = f"{len(parts.calibration):,} to calibrate, {train}"
    if not len(parts.search):
        return f"{both}{len(parts.test):,} to test; too few to search with some of them"
    return (
        f"{both}{len(parts.search):,} to search, {len(parts.test):,} to test, none of them in another part; "
        "a run that does not search tests with all of these"
    )


def _not_among(training: Prepared, data: Prepared, model: SourceModel, evaluated: Array) -> Array:
    """Return the rows of `training` whose inputs are not among the `evaluated` rows of `data`."""
    seen = {_fingerprint(data, model, int(row)) for row in evaluated}
    samples = len(training.inputs[model.inputs[0].name])
    return np.array([row for row in range(samples) if _fingerprint(training, model, row) not in seen], int)


def _fingerprint(prepared: Prepared, model: SourceModel, row: int) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for spec in model.inputs:
        found.update(prepared.inputs[spec.name][row].tobytes())
    return found.digest()


def _check_training(data: Prepared, training: Prepared, rows: int) -> None:
    if not rows:
        raise DataMismatch(
            "Every sample of the training set is among those that test.",
            hint="Give other samples to train than to test: what was learned by heart proves nothing.",
        )
    if data.classes and training.classes and data.classes != training.classes:
        raise DataMismatch(
            f"The training set has the classes {listed(training.classes)}, the data {listed(data.classes)}.",
            hint="State the same class names for both.",
        )
