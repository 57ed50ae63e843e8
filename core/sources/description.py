"""The description that every source returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.domain.model import Note, Preprocessing, SourceModel
from core.examples import ceiling, role
from core.protocols import InspectOptions
from core.sources.names import display_name
from core.sources.probe import Settled, Specs
from core.sources.task_inference import check_task, guess_task, is_integer, restated, unknown_note
from core.texts import shown


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
    precision: str = "FP32",
    preprocessing: Preprocessing | None = None,
) -> SourceModel:
    """Return the description; `task` and `classes` are guessed where they are not given.

    A task that the person stated counts before both.

    Args:
        path: The uploaded file; names the model unless `options.name` does.
        files: The files that are kept; their sizes are the model's.

    Raises:
        InvalidRequest: The stated task does not exist, or contradicts the outputs.
    """
    check_task(options.task)
    guessed, counted = guess_task(
        settled.inputs, settled.outputs, settled.sizes, settled.classifies, settled.detects
    )
    task, classes = task or guessed, classes or counted
    described = SourceModel(
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
        task=task,
        classes=classes,
        architecture=architecture,
        opset=opset,
        notes=(*notes, *settled.notes, *_unknown_ranges(settled.inputs), *unknown_note(task, classes)),
        precision=precision,
        preprocessing=preprocessing,
    )
    return restated(described, options.task) if options.task else described


def _unknown_ranges(inputs: Specs) -> tuple[Note, ...]:
    open_ended = (spec for spec in inputs if is_integer(spec) and ceiling(spec) == 2)
    names = [spec.name for spec in open_ended if role(spec) in ("value", "segment")]
    if not names:
        return ()
    message = f"Which values {shown(names)} may take is not recorded: random inputs hold 0 and 1 there."
    return (Note(message, "Give data, so that real values are measured."),)
