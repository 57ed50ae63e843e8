"""LiteRT (TFLite) models: one .tflite file, described and run by LiteRT's interpreter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.archives.hard_links import link_or_copy
from core.archives.tflite import check_tflite, looks_like_tflite
from core.complaints import complaint
from core.domain.model import TensorSpec
from core.errors import BackendMissing, UnsupportedModel
from core.graphs.tflite.interpreter import Port, Runner, open_file
from core.graphs.tflite.layers import FLOATS, NARROW, custom_operators, layers_of, read, weights_of
from core.optional import install_line, version
from core.protocols import Array, Feed, Inspection, InspectOptions
from core.sources.description import describe
from core.sources.evidence import seen_in_outputs
from core.sources.example_shapes import named
from core.sources.probe import Specs, settle
from core.sources.torch.forward_pass import half_note
from core.sources.weight_types import QUANTIZED, stored_in
from core.texts import shown

LIBRARY = "ai_edge_litert"
AGAIN = "Convert or download it again."
BUILTIN = "Convert the model again with LiteRT's own operators alone, or upload what it was made from."


class TfliteSource:
    """A LiteRT flatbuffer."""

    id = "tflite"
    name = "LiteRT (.tflite)"
    order = 15

    def recognizes(self, path: Path) -> bool:
        """Whether it begins as a LiteRT flatbuffer."""
        return looks_like_tflite(path)

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the file; LiteRT runs it once.

        Raises:
            BackendMissing: LiteRT is not installed.
            CorruptFile: It reaches beyond its end.
            UnsupportedModel: Operators or types that LiteRT alone cannot run.
            InputError: It does not run.
        """
        _require_litert()
        check_tflite(path, AGAIN)
        file = link_or_copy(path, folder / "model.tflite")
        model = read(file)
        _refuse_custom(model)
        session = _Session(file)
        settled = settle(session.specs, session.shapes_of, options.shapes, declared=session.declared)
        settled = seen_in_outputs(settled, session.run, session.declared)
        weights = weights_of(model)
        precision = _precision(weights)
        description = describe(
            path,
            (file,),
            options,
            settled,
            format=self.id,
            parameters=weights.total(),
            macs=sum(layer.macs for layer in layers_of(model)) or None,
            notes=((QUANTIZED,) if precision == "INT8" else half_note(_halves(weights))),
            precision=precision,
        )
        return Inspection(description, (file,))


class _Session:
    """The file in LiteRT's interpreter, fed by names."""

    def __init__(self, path: Path) -> None:
        try:
            self._runner = Runner(open_file(path, 1))
        except Exception as error:
            raise UnsupportedModel(
                f"LiteRT cannot load this model: {complaint(error)}.", hint=BUILTIN
            ) from error
        inputs, outputs = self._runner.inputs, self._runner.outputs
        self._names, self._results = _unique(inputs), _unique(outputs)
        for name, port in zip((*self._names, *self._results), (*inputs, *outputs), strict=True):
            _refuse_texts(name, port)
        raw = [(name, _dtype(port), _dims(port)) for name, port in zip(self._names, inputs, strict=True)]
        specs = zip(named(raw), inputs, strict=True)
        self.specs: Specs = tuple(_with_range(spec, port) for spec, port in specs)
        self.declared = tuple(map(_dims, outputs))

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs."""
        return self._runner.run([feed[name] for name in self._names])

    def shapes_of(self, feed: Feed) -> Specs:
        """Return what came out, with concrete shapes."""
        found = zip(self._results, self.run(feed), strict=True)
        return tuple(TensorSpec(name, str(array.dtype), tuple(array.shape)) for name, array in found)


def _require_litert() -> None:
    if version(LIBRARY) is None:
        line = install_line(LIBRARY.replace("_", "-"))
        raise BackendMissing(
            "This is a LiteRT model, and LiteRT is not installed.", hint=f"Install it: {line}"
        )


def _refuse_custom(model: Any) -> None:
    found = custom_operators(model)
    if found:
        raise UnsupportedModel(
            f"The model has operators that LiteRT alone does not bring: {shown(found)}.", hint=BUILTIN
        )


def _refuse_texts(name: str, port: Port) -> None:
    if port.dtype.kind not in "biuf":
        raise UnsupportedModel(
            f"{name!r} holds {port.dtype.name}, not numbers that can be fed.",
            hint="Take the processing of texts out of the graph, and convert it again.",
        )


def _unique(ports: Sequence[Port]) -> list[str]:
    names = [port.name for port in ports]
    return [name if names.count(name) == 1 else f"{name}_{at}" for at, name in enumerate(names)]


def _dtype(port: Port) -> str:
    """Return what is fed: real numbers for scaled ones, but bytes stay what pixels are."""
    return "float32" if port.scaled and port.dtype != np.uint8 else port.dtype.name


def _dims(port: Port) -> tuple[int | None, ...]:
    return tuple(size if size > 0 else None for size in port.shape)


def _with_range(spec: TensorSpec, port: Port) -> TensorSpec:
    """Return the spec with the values that a scaled input can hold."""
    if not port.scaled or port.dtype == np.uint8:
        return spec
    limits = np.iinfo(port.dtype)
    span = ((limits.min - port.zero) * port.scale, (limits.max - port.zero) * port.scale)
    return replace(spec, span=span, told=f"the file takes values from {span[0]:.4g} to {span[1]:.4g}")


def _precision(weights: Counter[str]) -> str:
    narrow, half = sum(weights[each] for each in NARROW), weights["FLOAT16"]
    wide = sum(weights[each] for each in FLOATS) - half
    return stored_in(narrow, half, wide)


def _halves(weights: Counter[str]) -> list[str]:
    return ["float16"] if weights["FLOAT16"] else []


SOURCE = TfliteSource()
