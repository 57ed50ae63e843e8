"""Data preparation: any format to a validated, split data set in a folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import stratified
from core.datasets.images.normalization import PreparedImages
from core.datasets.labels import IGNORED
from core.datasets.preview import write_preview
from core.datasets.validation import check
from core.domain.model import DataSet, SourceModel
from core.errors import InvalidRequest, UnrecognizedFile
from core.params import make
from core.protocols import Array, DataFormat, Prepared
from core.registry import data_formats

COPY_BYTES = 16 * 1024**2
SCRATCH = "scratch"
LABELS = "evaluation/labels.npy"
RANDOM = "random"


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
    found = next((each for each in formats.values() if each.recognizes(path)), None)
    if found is None:
        known = "; ".join(each.name for each in formats.values())
        state = "is not there" if not path.exists() else "is of no known format"
        raise UnrecognizedFile(f"The data {path.name!r} {state}.", hint=f"Data can be: {known}.")
    return found


def build(
    path: Path | None,
    folder: Path,
    model: SourceModel,
    params: dict[str, Any] | None = None,
    seed: int = 0,
    wanted: str = "",
) -> Built:
    """Read data, fit it to `model`, check it, split it, and write it below `folder`.

    Args:
        path: File, folder or name of a built-in set; None draws random inputs.
        folder: Where `calibration/`, `evaluation/` and `preview/` go.
        model: What the rows must fit.
        params: Values of the format's `Params`.
        seed: Of the split.
        wanted: Id of the format; empty finds it.

    Raises:
        InputError: The data is not recognised, damaged, unsafe or does not fit the model.
    """
    model = model.with_sample_axis()
    prepared, origin = _prepared(path, folder, model, params or {}, wanted)
    labels, samples = prepared.labels, len(prepared.inputs[model.inputs[0].name])
    calibration, evaluation = _split(prepared, labels, samples, seed)
    files = _write(folder, "calibration", prepared, model, calibration)
    files += _write(folder, "evaluation", prepared, model, evaluation)
    if labels is not None:
        np.save(folder / LABELS, labels[evaluation].astype(np.int64), allow_pickle=False)
        files.append(LABELS)
    files += write_preview(folder, prepared, model, evaluation)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    data = DataSet(
        id="",
        name=path.stem if path is not None else "Random inputs",
        files=(),
        inputs=tuple(spec.name for spec in model.inputs),
        calibration_samples=len(calibration),
        evaluation_samples=len(evaluation),
        labelled=labels is not None,
        classes=prepared.classes,
        origin=origin,
        preparation=prepared.preparation | _describe(len(calibration), len(evaluation)),
    )
    return Built(data, tuple(files))


def _prepared(
    path: Path | None, folder: Path, model: SourceModel, params: dict[str, Any], wanted: str
) -> tuple[Prepared, str]:
    """Return checked rows and the id of their format; labels only where the model is a classifier."""
    found = choose_format(path, wanted)
    made = make(found.Params, params)
    if path is None and found.id != RANDOM:
        raise InvalidRequest(f"The format {found.name} needs data.", hint="Give a file or folder.")
    prepared = found.prepare(path or Path(found.id), folder / SCRATCH, model, made)
    if model.classes is None and prepared.labels is not None:
        prepared = replace(prepared, labels=None, classes=(), preparation=prepared.preparation | IGNORED)
    check(prepared, model)
    return prepared, found.id


def _split(prepared: Prepared, labels: Array | None, samples: int, seed: int) -> tuple[Array, Array]:
    if isinstance(prepared, PreparedImages) and prepared.calibration is not None:
        return prepared.calibration, np.delete(np.arange(samples), prepared.calibration)
    return stratified.split(labels, samples, seed)


def _write(folder: Path, part: str, prepared: Prepared, model: SourceModel, rows: Array) -> list[str]:
    """Write the `rows` of every input in pieces, so that neither side has to be in memory at once."""
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
    return names


def _describe(calibration: int, evaluation: int) -> dict[str, str]:
    return {"Used as": f"{calibration:,} samples to calibrate, {evaluation:,} to evaluate, none in both"}
