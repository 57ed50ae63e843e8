"""Task inference: classification, regression, ..., from evidence or as stated by a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from core.domain.model import CLASS_TASKS, DETECTION, NUMBER_TASKS, TASKS, Note, SourceModel, TensorSpec
from core.errors import InvalidRequest
from core.metrics.detection.outputs import detection_outputs, one_call
from core.protocols import Array
from core.serde import digest

Specs = tuple[TensorSpec, ...]

IMAGE = "image-classification"
TEXT = "text-classification"
TABULAR = "tabular-classification"
OTHER = "other"
TOLD = re.compile(r"logit|prob(s|abilit)|softmax|class|cls|label", re.IGNORECASE)
"""Words in the names of outputs and of last layers that tell of classes."""

IMAGE_COUNTS = frozenset({10, 100, 101, 102, 196, 200, 256, 257, 365, 1000, 1001, 21841, 21843})
"""Class counts of the public image sets: other widths may as well be features or coordinates."""

UNKNOWN = "Nothing tells whether"
SHARES = 1e-3
"""How far from 1 the sum of a softmax in half precision may be; other outputs are seldom so close."""


def guess_task(
    inputs: Specs, outputs: Specs, sizes: dict[str, int], told: bool, detects: bool = False
) -> tuple[str, int | None]:
    """Return the task where there is evidence, and the size of the class axis where there may be one.

    A classifier has an output (N, C) or (N, C, 1, 1) with C of at least 2. One float input of rank 4
    with 1 or 3 channels is an image, integer inputs of rank 2 are text, one float input of rank 2 is a
    table row, unless it is as wide as the output: that is an autoencoder. That shape alone is no evidence:
    three scores may be three regressions.

    Args:
        inputs: Of the model.
        outputs: Of the model.
        sizes: Example size of each symbol.
        told: Whether names or values say that the outputs are classes.
        detects: Whether they say that the outputs are detections.
    """
    if detects:
        return DETECTION, None
    classes = _classes(outputs, {spec.shape[0] for spec in inputs if spec.shape})
    task = _shaped(inputs, sizes, classes) if classes is not None and inputs else OTHER
    if task == OTHER:
        return OTHER, None
    label_beside = any(is_integer(output) for output in outputs)
    known = task == IMAGE and classes in IMAGE_COUNTS
    return (task if told or label_beside or known else OTHER), classes


def _shaped(inputs: Specs, sizes: dict[str, int], classes: int | None) -> str:
    """Return the classification that the inputs would belong to."""
    found = [(spec, spec.resolve(sizes)) for spec in inputs]
    if any(is_integer(spec) for spec, _ in found) and all(len(shape) == 2 for _, shape in found):
        return TEXT
    if len(found) != 1:
        return OTHER
    spec, shape = found[0]
    if len(shape) == 4 and (shape[1] in (1, 3) or shape[3] in (1, 3)) and min(sorted(shape)[-2:]) >= 8:
        return IMAGE
    if (
        len(shape) == 2
        and not is_integer(spec)
        and isinstance(spec.shape[1], int)
        and spec.shape[1] != classes
    ):
        return TABULAR
    return OTHER


def _classes(outputs: Specs, fronts: set[int | str]) -> int | None:
    """Return C of a float output (N, C), or (N, C, 1, 1) as old convolutional networks end.

    Beside it are only the same in another form, such as probabilities, or whole numbers, such as the label
    that scikit-learn's classifiers return first. `fronts` are the first sizes of the inputs: a list of
    detections is as long as it happens to be.
    """
    found = {_scores(output, fronts) for output in outputs if not is_integer(output)}
    return found.pop() if len(found) == 1 else None


def _scores(output: TensorSpec, fronts: set[int | str]) -> int | None:
    if len(output.shape) < 2 or output.shape[0] not in fronts:
        return None
    size, *rest = output.shape[1:]
    return size if isinstance(size, int) and size >= 2 and all(one == 1 for one in rest) else None


def is_integer(spec: TensorSpec) -> bool:
    """Whether a tensor holds whole numbers that are no bytes of an image."""
    return spec.dtype.startswith(("int", "uint")) and spec.dtype != "uint8"


def tells_of_classes(outputs: Sequence[Array], names: Iterable[str]) -> bool:
    """Whether an output holds probabilities, or their logarithms, or a name says what it is.

    Args:
        outputs: What the model returned on an example.
        names: Of the outputs, and of the weights that lead to them.
    """
    return any(map(_sums_to_one, outputs)) or any(TOLD.search(name) for name in names)


def tells_of_detections(inputs: Specs, outputs: Sequence[Array], names: Sequence[str]) -> bool:
    """Whether a picture goes in and boxes come out, with scores and classes: by shapes and by values.

    Args:
        inputs: Of the model.
        outputs: What it returned on one example.
        names: Of the outputs.
    """
    if len(inputs) != 1 or len(inputs[0].shape) not in (3, 4) or len(outputs) != len(names):
        return False
    rows = one_call(outputs)
    found = detection_outputs(names, rows, None)
    if found is None:
        return False
    # Of one row of six numbers nothing tells that they are a box, and not six scores.
    return len(outputs) > 1 or rows[0].ndim > 2


def _sums_to_one(output: Array) -> bool:
    if output.dtype.kind != "f" or output.ndim < 2 or output.shape[1] < 2 or not np.isfinite(output).all():
        return False
    values = output.astype(np.float64)
    if (values <= 0).all():
        values = np.exp(values)
    return bool((values >= 0).all() and np.allclose(values.sum(axis=1), 1, atol=SHARES))


def check_task(task: str) -> None:
    """Refuse a task that there is not.

    Raises:
        InvalidRequest: With those that there are.
    """
    if task and task not in TASKS:
        raise InvalidRequest(f"There is no task {task!r}.", hint=f"Choose one of: {', '.join(TASKS)}.")


def unknown_note(task: str, classes: int | None) -> tuple[Note, ...]:
    """Return a note where the outputs may be classes and nothing says so."""
    if task != OTHER or classes is None:
        return ()
    message = f"{UNKNOWN} the {classes} outputs are classes: without labels they are judged as numbers."
    return (Note(message, "State the task, such as image-classification or regression."),)


def restated(model: SourceModel, task: str) -> SourceModel:
    """Return `model` as one for `task`, under an id of its own; what candidates are judged by follows.

    Raises:
        InvalidRequest: There is no such task, or the model has no output with a class axis.
    """
    check_task(task)
    classes = model.classes or class_axis(model.inputs, model.outputs)
    if task == "image-segmentation":
        classes = next((spec.shape[1] for spec in model.outputs if _is_map(spec)), None)  # type: ignore[assignment]
    single = any(prod(spec.resolve(model.symbols)[1:]) == 1 for spec in model.outputs)
    if task in CLASS_TASKS and classes is None and not (single and task.endswith("classification")):
        shapes = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in model.outputs)
        raise InvalidRequest(
            f"No output has an axis of classes: {shapes}.", hint="State the task regression or other."
        )
    numbers = NUMBER_TASKS | {DETECTION}
    judged = classes if task in CLASS_TASKS else None if task in numbers else model.classes
    notes = tuple(note for note in model.notes if not note.message.startswith(UNKNOWN))
    identity = digest(model.id, task)[:16] if model.id else ""
    return replace(model, id=identity, task=task, classes=judged, notes=notes)


def _is_map(spec: TensorSpec) -> bool:
    """Whether an output is (N, C, H, W) of scores, as a segmentation has them."""
    return len(spec.shape) == 4 and isinstance(spec.shape[1], int) and spec.shape[1] > 1


def class_axis(inputs: Specs, outputs: Specs) -> int | None:
    """Return the size of the first output's axis that may count classes: behind the batch, else the last."""
    fronts = {spec.shape[0] for spec in inputs if spec.shape}
    scores = (_scores(output, fronts) for output in outputs)
    ends = (output.shape[-1] for output in outputs if len(output.shape) >= 2 and not is_integer(output))
    found = (size for size in (*scores, *ends) if isinstance(size, int) and size >= 2)
    return next(found, None)
