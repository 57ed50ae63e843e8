"""Validation of what a confined process says of an upload: plain text and plain figures, nothing else.

The process opened a stranger's file and may have been taken over. Here its answers become values of our own:
texts are cut and cleaned; names that must match the file letter by letter are refused where they cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.domain.model import TASKS, DataSet, SourceModel
from core.errors import UnsupportedModel
from core.registry import sources
from core.sandbox.answers import lines, made_of, part, unusable
from core.sandbox.protocol import Message
from core.serde import to_json, to_plain
from core.texts import one_line

MOST_TENSORS, MOST_NOTES, MOST_FILES, MOST_CLASSES, MOST_AXES = 1000, 50, 10_000, 1_000_000, 32
MOST_FACTS, LONGEST_FACTS = 50, 64 * 1024
# A configuration may name all of its classes, twice.
LONGEST_ARCHITECTURE = 2 * 1024**2
LONGEST_NAME = 500


def model_of(reply: Message) -> SourceModel:
    """Return the model that an inspection describes.

    Raises:
        UnsafeUpload: The answer describes none.
        UnsupportedModel: An input or output has a name that cannot be shown.
    """
    said = part(reply, "model", SourceModel)
    _check_tensors(said)
    counts = (said.parameters, said.macs or 0, said.size_bytes, said.classes or 0, said.opset or 0)
    if said.format not in sources() or min(counts) < 0:
        raise unusable("it describes a model of no known kind")
    network = said.architecture
    if len(to_json(network)) > LONGEST_ARCHITECTURE:
        raise unusable("it describes an architecture longer than any")
    model = made_of(lines(to_plain(replace(said, architecture=None))), SourceModel)
    return replace(
        model,
        name=one_line(model.name, LONGEST_NAME),
        task=model.task if model.task in TASKS else "other",
        notes=model.notes[:MOST_NOTES],
        architecture=network and {**network, "name": one_line(str(network.get("name")))},
    )


def data_of(reply: Message, model: SourceModel) -> DataSet:
    """Return the data set that was prepared for `model`.

    Raises:
        UnsafeUpload: The answer describes none, or one of other inputs.
    """
    said = part(reply, "data", DataSet)
    if said.inputs != tuple(spec.name for spec in model.inputs):
        raise unusable("it describes data of another model")
    if len(said.classes) > MOST_CLASSES or len(said.preparation) > MOST_FACTS:
        raise unusable("it has more classes or facts than data can have")
    counts = (said.calibration_samples, said.search_samples, said.test_samples(True), said.training_samples)
    if min(counts) < 0:
        raise unusable("it counts fewer samples than none")
    data = made_of(lines(to_plain(said)), DataSet)
    return replace(data, name=one_line(data.name, LONGEST_NAME), inputs=said.inputs)


def files_of(reply: Message) -> list[str]:
    """Return the names of the files that are the result, each once.

    Raises:
        UnsafeUpload: These are no names.
    """
    names = list(dict.fromkeys(part(reply, "files", list[str])))
    if not names or len(names) > MOST_FILES or any(one_line(name, LONGEST_NAME) != name for name in names):
        raise unusable("it names files that cannot be")
    return names


def _check_tensors(model: SourceModel) -> None:
    specs = (*model.inputs, *model.outputs)
    if len(specs) > 2 * MOST_TENSORS or any(len(spec.shape) > MOST_AXES for spec in specs):
        raise UnsupportedModel(
            "The model has more inputs, outputs or axes than can be shown.",
            hint="Export a smaller part of it.",
        )
    for name in _names(model):
        if one_line(name, LONGEST_NAME) != name:
            raise UnsupportedModel(
                f"The model names an input, an output or a size {ascii(name)[:80]}, which no page can show.",
                hint="Give it a plain name and export the model again.",
            )


def _names(model: SourceModel) -> Iterator[str]:
    for spec in (*model.inputs, *model.outputs):
        yield from (spec.name, spec.dtype, *(size for size in spec.shape if isinstance(size, str)))
    yield from model.symbols
    yield model.batch_symbol or ""
