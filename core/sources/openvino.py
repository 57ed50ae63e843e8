"""OpenVINO IR: a graph as .xml and its weights as .bin, side by side or in a .zip."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

from core.archives.hard_links import link_or_copy
from core.archives.openvino_ir import check_ir, looks_like_ir, weights_of
from core.archives.zips import extract_zip, names_in_zip
from core.complaints import complaint
from core.domain.model import TensorSpec
from core.errors import CorruptFile, UnsafeUpload, UnsupportedModel
from core.protocols import Array, Feed, Inspection, InspectOptions
from core.sources.description import describe
from core.sources.evidence import seen_in_outputs
from core.sources.example_shapes import named
from core.sources.probe import Specs, settle
from core.sources.weight_types import QUANTIZED, stored_in
from core.texts import shown

AGAIN = "Save it again with openvino.save_model, and upload the .xml and the .bin together."
DTYPES = {
    "f16": "float16", "f32": "float32", "f64": "float64", "boolean": "bool", "i8": "int8", "i16": "int16",
    "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
}  # fmt: skip
"""Types of inputs that NumPy holds, by OpenVINO's name."""
NARROW = frozenset({"i8", "u8", "i4", "u4", "nf4"})
FLOATS = frozenset({"f16", "bf16", "f32", "f64"})
Dims = tuple[int | None, ...]


class OpenVinoSource:
    """A graph in OpenVINO's own format."""

    id = "openvino"
    name = "OpenVINO IR (.xml and .bin)"
    order = 16

    def recognizes(self, path: Path) -> bool:
        """Whether it is the graph, or a zip that holds a .xml file and its .bin."""
        return looks_like_ir(path) or bool(_graphs_in_zip(path))

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the graph; OpenVINO runs it once.

        Raises:
            UnsafeUpload: It declares entities, or a zip is not safe to unpack.
            CorruptFile: It is broken, or its weights are missing or too short.
            UnsupportedModel: Operators or types that cannot be run here.
            InputError: It does not run.
        """
        file = _unpack(path, folder)
        _require_weights(file)
        check_ir(file, AGAIN)
        session = _Session(file)
        settled = settle(session.specs, session.shapes_of, options.shapes, declared=session.declared)
        settled = seen_in_outputs(settled, session.run, session.declared)
        kept = tuple(each for each in (file, weights_of(file)) if each.is_file())
        weights = session.weights()
        precision = _precision(weights)
        description = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=weights.total(),
            macs=None,
            notes=(QUANTIZED,) if precision == "INT8" else (),
            precision=precision,
        )
        return Inspection(description, kept)


def _graphs_in_zip(path: Path) -> list[str]:
    """Return the .xml files of a zip that have a .bin of the same name beside them."""
    names = set(names_in_zip(path))
    graphs = (name for name in names if name.lower().endswith(".xml") and not name.startswith("__MACOSX/"))
    return sorted(name for name in graphs if f"{name[:-4]}.bin" in names)


def _unpack(path: Path, folder: Path) -> Path:
    """Return the graph below `folder`, its weights beside it under the same name."""
    names = _graphs_in_zip(path)
    if len(names) > 1:
        raise UnsupportedModel(
            f"The zip holds {len(names)} OpenVINO models: {shown(names)}.", hint="Upload one model at a time."
        )
    if names:
        extract_zip(path, folder / "unpacked")
        path = folder / "unpacked" / names[0]
    beside = weights_of(path) if names else folder / weights_of(path).name
    if beside.is_file():
        link_or_copy(beside, folder / "model.bin")
    return link_or_copy(path, folder / "model.xml")


def _require_weights(file: Path) -> None:
    """Refuse a graph with constants whose weights were not uploaded with it.

    Raises:
        CorruptFile: They are missing.
    """
    if weights_of(file).is_file():
        return
    try:
        check_ir(file, AGAIN)
    except UnsafeUpload:
        raise
    except CorruptFile as error:
        raise CorruptFile(
            "This is an OpenVINO graph whose weights, the .bin file, were not uploaded with it.",
            hint="Choose the .xml and the .bin together, or upload both in one .zip.",
        ) from error


class _Session:
    """The graph, compiled for the CPU in single precision, fed by names."""

    def __init__(self, path: Path) -> None:
        import openvino

        core = openvino.Core()
        try:
            self._graph = core.read_model(str(path))
            settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
            self._compiled = core.compile_model(self._graph, "CPU", settings)
        except Exception as error:
            raise UnsupportedModel(
                f"OpenVINO cannot load this model: {complaint(error)}.", hint=AGAIN
            ) from error
        self._names = _names(self._graph.inputs, "input")
        self._results = _names(self._graph.outputs, "output")
        if not self._names:
            raise UnsupportedModel("The model takes no input.", hint="Export a model that takes tensors.")
        ports = zip(self._names, self._graph.inputs, strict=True)
        self.specs: Specs = named([(name, _dtype(name, port), _dims(name, port)) for name, port in ports])
        self.declared = tuple(_known(port) or () for port in self._graph.outputs)

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs."""
        found = self._compiled([feed[name] for name in self._names])
        return [found[port].copy() for port in self._compiled.outputs]

    def shapes_of(self, feed: Feed) -> Specs:
        """Return what came out, with concrete shapes."""
        found = zip(self._results, self.run(feed), strict=True)
        return tuple(TensorSpec(name, str(array.dtype), tuple(array.shape)) for name, array in found)

    def weights(self) -> Counter[str]:
        """Return how many weights there are by their type."""
        found: Counter[str] = Counter()
        for node in self._graph.get_ordered_ops():
            if node.get_type_name() == "Constant":
                kind, count = node.get_element_type().get_type_name(), prod(node.get_output_shape(0))
                if count > 1 and kind in NARROW | FLOATS:
                    found[kind] += count
        return found


def _names(ports: Any, kind: str) -> list[str]:
    """Return a name for each port; some converters leave them without."""
    found = [port.get_any_name() if port.get_names() else f"{kind}_{at}" for at, port in enumerate(ports)]
    return [name if found.count(name) == 1 else f"{name}_{at}" for at, name in enumerate(found)]


def _dtype(name: str, port: Any) -> str:
    kind = port.get_element_type().get_type_name()
    if kind not in DTYPES:
        raise UnsupportedModel(
            f"The input {name!r} is of type {kind}, which cannot be fed as numbers.",
            hint="Take text processing and exotic number types out of the graph, and convert it again.",
        )
    return DTYPES[kind]


def _dims(name: str, port: Any) -> Dims:
    known = _known(port)
    if known is None:
        raise UnsupportedModel(
            f"The model does not record how many dimensions the input {name!r} has.",
            hint="Convert it again with a shape for each input.",
        )
    return known


def _known(port: Any) -> Dims | None:
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        return None
    return tuple(None if size.is_dynamic else size.get_length() for size in shape)


def _precision(weights: Counter[str]) -> str:
    narrow, half = sum(weights[each] for each in NARROW), weights["f16"] + weights["bf16"]
    wide = sum(weights[each] for each in FLOATS) - half
    return stored_in(narrow, half, wide)


SOURCE = OpenVinoSource()
