"""Layers of a model in a confined process: of its ONNX graph."""

from __future__ import annotations

import msgspec

from core.domain.model import SourceModel
from core.domain.structure import MOST_LAYERS, Layer, Structure
from core.examples import example_feed
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.layers import layers_of
from core.sandbox.answers import unusable
from core.texts import one_line
from core.work.unit import Done, Job, Kind

MODEL = "model"
LONGEST_NAME, MOST_AXES, MOST_MODULES = 200, 16, 16


class StructureRequest(msgspec.Struct, frozen=True):
    """What to look into; the unit's input ``model`` is the files of the ONNX graph.

    Attributes:
        model: The source model: its inputs give the example shape.
        file: Name of the graph among the files.
    """

    model: SourceModel
    file: str


class Found(msgspec.Struct, frozen=True):
    """The layers of the graph."""

    structure: Structure


def look(request: StructureRequest, job: Job) -> Done[Found]:
    """Return the layers of a graph."""
    graph = onnx_files.load(job.inputs[MODEL] / request.file, weights=False)
    held = all(tensor.data_location != tensor.EXTERNAL for tensor in onnx_files.tensors(graph))
    return Done(Found(layers_of(graph, example_feed(request.model), runnable=held)))


def accept(_: StructureRequest, said: Found) -> Found:
    """Return the layers with plain texts and figures.

    Raises:
        UnsafeUpload: They are those of no graph.
    """
    layers, left_out = said.structure.layers, said.structure.left_out
    if len(layers) > MOST_LAYERS or left_out < 0:
        raise unusable("it tells of more layers than it may")
    return Found(Structure(tuple(_plain(each, at) for at, each in enumerate(layers)), left_out))


def _plain(layer: Layer, position: int) -> Layer:
    if not all(0 <= each < position for each in layer.inputs):
        raise unusable("a layer reads from one that does not come before it")
    if min(layer.parameters, layer.macs or 0, *(layer.shape or ())) < 0:
        raise unusable("a layer has less than nothing")
    return Layer(
        one_line(layer.name, LONGEST_NAME),
        one_line(layer.operator, LONGEST_NAME),
        tuple(one_line(each, LONGEST_NAME) for each in layer.module[:MOST_MODULES]),
        layer.shape and layer.shape[:MOST_AXES],
        layer.parameters,
        layer.macs,
        layer.inputs,
    )


UNIT = Kind(__name__, "layers", StructureRequest, Found, look, accept=accept)
