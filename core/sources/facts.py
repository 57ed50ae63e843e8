"""What a model is probably for, and the description that every source returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.domain.model import Note, SourceModel, TensorSpec
from core.examples import role
from core.protocols import InspectOptions
from core.sources.probe import Settled, Specs
from core.sources.words import display_name, shown

IMAGE = "image-classification"
TEXT = "text-classification"
TABULAR = "tabular-classification"
OTHER = "other"


def guess_task(settled: Settled) -> tuple[str, int | None]:
    """Return the task and the number of classes, told from inputs and outputs alone.

    A classifier has an output (N, C) or (N, C, 1, 1) with C of at least 2. One float input of rank 4
    with 1 or 3 channels is an image, integer inputs of rank 2 are text, one float input of rank 2 is a
    table row, unless it is as wide as the output: that is an autoencoder.
    """
    classes = _classes(settled.outputs, {spec.shape[0] for spec in settled.inputs if spec.shape})
    if classes is None or not settled.inputs:
        return OTHER, None
    inputs = [(spec, spec.resolve(settled.sizes)) for spec in settled.inputs]
    if any(_integer(spec) for spec, _ in inputs) and all(len(shape) == 2 for _, shape in inputs):
        return TEXT, classes
    if len(inputs) != 1:
        return OTHER, None
    spec, shape = inputs[0]
    if len(shape) == 4 and (shape[1] in (1, 3) or shape[3] in (1, 3)) and min(sorted(shape)[-2:]) >= 8:
        return IMAGE, classes
    if len(shape) == 2 and not _integer(spec) and isinstance(spec.shape[1], int) and spec.shape[1] != classes:
        return TABULAR, classes
    return OTHER, None


def _classes(outputs: Specs, fronts: set[int | str]) -> int | None:
    """Return C of a float output (N, C), or (N, C, 1, 1) as old convolutional networks end.

    Beside it are only the same in another form, such as probabilities, or whole numbers, such as the label
    that scikit-learn's classifiers return first. `fronts` are the first sizes of the inputs: a list of
    detections is as long as it happens to be.
    """
    found = {_scores(output, fronts) for output in outputs if not _integer(output)}
    return found.pop() if len(found) == 1 else None


def _scores(output: TensorSpec, fronts: set[int | str]) -> int | None:
    if len(output.shape) < 2 or output.shape[0] not in fronts:
        return None
    size, *rest = output.shape[1:]
    return size if isinstance(size, int) and size >= 2 and all(one == 1 for one in rest) else None


def _integer(spec: TensorSpec) -> bool:
    return spec.dtype.startswith(("int", "uint")) and spec.dtype != "uint8"


def describe(
    path: Path,
    files: tuple[Path, ...],
    options: InspectOptions,
    settled: Settled,
    *,
    format: str,
    parameters: int,
    macs: int | None,
    notes: tuple[Note, ...] = (),
    classes: int | None = None,
    task: str | None = None,
    architecture: dict[str, Any] | None = None,
    opset: int | None = None,
) -> SourceModel:
    """Return the description; `task` and `classes` are guessed where they are not given.

    Args:
        path: The uploaded file; names the model unless `options.name` does.
        files: The files that are kept; their sizes are the model's.
    """
    guessed, counted = guess_task(settled)
    return SourceModel(
        id="",
        name=options.name or display_name(path),
        format=format,
        files=(),
        sha256="",
        inputs=settled.inputs,
        outputs=settled.outputs,
        symbols=settled.sizes,
        batch_symbol=settled.batch,
        parameters=parameters,
        macs=macs,
        size_bytes=sum(file.stat().st_size for file in files),
        task=task or guessed,
        classes=classes or counted,
        architecture=architecture,
        opset=opset,
        notes=(*notes, *settled.notes, *_unknown_ranges(settled.inputs)),
    )


def _unknown_ranges(inputs: Specs) -> tuple[Note, ...]:
    open_ended = (spec for spec in inputs if _integer(spec) and spec.high is None)
    names = [spec.name for spec in open_ended if role(spec) in ("value", "segment")]
    if not names:
        return ()
    message = f"Which values {shown(names)} may take is not recorded: random inputs hold 0 and 1 there."
    return (Note("model", message, "Give data, so that real values are measured."),)
