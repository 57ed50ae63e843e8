"""Validation of what a confined process says of an upload: plain text and plain figures, nothing else.

The process opened a stranger's file and may have been taken over. Here its answers become values of our own:
texts are cut and cleaned; names that must match the file letter by letter are refused where they cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.domain.model import TASKS, SourceModel
from core.errors import UnsupportedModel
from core.registry import sources
from core.sandbox.answers import lines, made_of, unusable
from core.serde import to_json, to_plain
from core.texts import one_line
from core.work.output_files import LONGEST_NAME

MOST_TENSORS, MOST_NOTES, MOST_AXES = 1000, 50, 32
# A configuration may name all of its classes, twice.
LONGEST_ARCHITECTURE = 2 * 1024**2


def accepted_model(said: SourceModel) -> SourceModel:
    """Return the model that an inspection describes, in plain texts and figures.

    Raises:
        UnsafeUpload: It describes none that can be.
        UnsupportedModel: An input or output has a name that cannot be shown.
    """
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
