"""ONNX models: one .onnx file, or a .zip of it and the files its weights lie in."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.archives.hard_links import link_or_copy
from core.archives.zips import extract_zip, names_in_zip
from core.complaints import complaint
from core.domain.model import Note, TensorSpec
from core.errors import CorruptFile, InputError, UnsupportedModel
from core.graphs.onnx import checks
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.macs import count_macs
from core.protocols import Array, Feed, Inspection, InspectOptions
from core.sources.description import describe
from core.sources.dynamic_axes import with_changing_rows
from core.sources.example_shapes import Hints, named
from core.sources.onnx import limitations, semantics, signature, value_ranges
from core.sources.onnx.protobuf import looks_like_onnx
from core.sources.pixel_range import with_pixel_range
from core.sources.probe import Runner, Settled, Specs, feed_of, settle
from core.sources.task_inference import tells_of_classes, tells_of_detections
from core.texts import shown

if TYPE_CHECKING:
    from onnx import ModelProto

SINGLE = "Its weights are in double precision: export it in single precision, model.float() in PyTorch."
QUICK_CHECK_BYTES = 200_000_000
"""Larger models are not given to onnx.checker: ONNX Runtime's own loading has to do."""


class OnnxSource:
    """A graph in ONNX format."""

    id = "onnx"
    name = "ONNX"
    order = 10

    def recognizes(self, path: Path) -> bool:
        """Whether it is an ONNX message, or a zip that holds a file named .onnx."""
        return looks_like_onnx(path) or bool(_names_in_zip(path))

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the graph; it is run once in ONNX Runtime.

        Raises:
            CorruptFile: The file is broken or claims sizes that it does not hold.
            UnsafeUpload: Weights lie outside the model's folder.
            UnsupportedModel: Operators or types that cannot be run here.
            InputError: It does not run, or weight files are missing.
        """
        file = _unpack(path, folder)
        model = checks.parse(file)
        external = checks.check_tensors(model, file.parent)
        renamed = _name_nodes(model, file)
        checks.check_operators(model)
        declared = signature.declared_outputs(model)
        inputs, hints = _inputs(model, options)
        session = _open(model, file, external)
        settled = settle(inputs, _runner(session), options.shapes, hints=hints, declared=declared)
        kept = (file, *external)
        sizes = settled.sizes | ({settled.batch: 1} if settled.batch else {})
        ranged = with_pixel_range(settled.inputs, sizes, partial(onnx_files.run, session))
        settled, feed = replace(settled, inputs=ranged), feed_of(ranged, sizes)
        outputs, names = onnx_files.run(session, feed), [spec.name for spec in settled.outputs]
        detects = tells_of_detections(settled.inputs, outputs, names)
        if detects:
            settled = replace(settled, outputs=with_changing_rows(settled.outputs, declared, settled.sizes))
        settled = replace(settled, classifies=_classifies(model, settled, outputs), detects=detects)
        description = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=signature.count_weights(model),
            macs=count_macs(model, feed, runnable=not external),
            opset=onnx_files.opset(model),
            notes=(*renamed, *limitations.notes(model)),
            precision=semantics.precision(model),
        )
        return Inspection(description, kept)


def _names_in_zip(path: Path) -> list[str]:
    names = (name for name in names_in_zip(path) if name.lower().endswith(".onnx"))
    return [name for name in names if not name.startswith("__MACOSX/")]


def _unpack(path: Path, folder: Path) -> Path:
    """Return the .onnx file below `folder`, beside its external data."""
    names = _names_in_zip(path)
    if not names:
        return link_or_copy(path, folder / "model.onnx")
    if len(names) > 1:
        raise UnsupportedModel(
            f"The zip holds {len(names)} ONNX models: {shown(names)}.", hint="Upload one model at a time."
        )
    target = folder / "onnx"
    extract_zip(path, target)
    return target / names[0]


def _name_nodes(model: ModelProto, file: Path) -> tuple[Note, ...]:
    """Write the file anew where nodes share a name, which ONNX Runtime refuses; weights stay as they are."""
    names = [node.name for node in model.graph.node if node.name]
    if len(names) == len(set(names)):
        return ()
    count = onnx_edits.name_nodes(model)
    file.unlink()  # it may be a second name of the upload
    file.write_bytes(model.SerializeToString())
    message = f"{count} nodes shared the name of another and were renamed: ONNX Runtime takes no such graph."
    return (Note(message),)


def _inputs(model: ModelProto, options: InspectOptions) -> tuple[Specs, Hints]:
    """Return input specs, and sizes to try first for channels that only a convolution tells."""
    raw = []
    for name, dtype, dims in signature.raw_inputs(model):
        known = dims if dims is not None else signature.guess_dims(model, name)
        if name in options.shapes and (known is None or dims is None):
            known = (None, *[None] * (len(options.shapes[name]) - 1)) if options.shapes[name] else ()
        if known is None:
            raise InputError(
                f"The model does not record how many dimensions the input {name!r} has.",
                hint="State an example shape for each input.",
            )
        raw.append((name, dtype, known))
    specs = value_ranges.with_values(model, named(raw))
    chosen = semantics.compared(model, specs)
    specs = tuple(replace(spec, compared=chosen.get(spec.name, ())) for spec in specs)
    hints = {symbol: (size,) for symbol, size in signature.channel_hints(model, raw).values()}
    return specs, hints


def _classifies(model: ModelProto, settled: Settled, outputs: list[Array]) -> bool:
    widths = {spec.shape[1] for spec in settled.outputs if len(spec.shape) >= 2}
    names = [spec.name for spec in settled.outputs]
    return tells_of_classes(outputs, [*names, *semantics.heads(model, widths)])


def _open(model: ModelProto, file: Path, external: tuple[Path, ...]) -> Any:
    """Return a session; where ONNX Runtime refuses, say it in the checker's words if it has any."""
    try:
        return onnx_files.session(file)
    except Exception as error:
        if isinstance(error, MemoryError) or "bad_alloc" in str(error):
            raise
        fault = None if external else _fault(file)
        if fault:
            raise CorruptFile(
                f"The ONNX graph is not valid: {fault}.", hint="Export the model again."
            ) from error
        raise UnsupportedModel(
            f"ONNX Runtime cannot load this model: {complaint(error)}.",
            hint=SINGLE
            if any(tensor.data_type == tensor.DOUBLE for tensor in model.graph.initializer)
            else f"It is ONNX IR version {model.ir_version}, opset {onnx_files.opset(model)}; export it "
            "again with opset 17 to 20, or convert it: onnx.version_converter.convert_version(model, 17).",
        ) from error


def _fault(file: Path) -> str:
    import onnx

    if file.stat().st_size > QUICK_CHECK_BYTES:
        return ""
    try:
        onnx.checker.check_model(str(file))
    except Exception as error:
        return complaint(error)
    return ""


def _runner(session: Any) -> Runner:
    names = [value.name for value in session.get_outputs()]

    def run(feed: Feed) -> Specs:
        arrays = onnx_files.run(session, feed)
        return tuple(_spec(name, array) for name, array in zip(names, arrays, strict=True))

    return run


def _spec(name: str, array: Any) -> TensorSpec:
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind in ("O", "U", "S"):
        raise UnsupportedModel(
            f"The output {name!r} holds texts, not numbers.",
            hint="Train on numbered classes, or leave that output out with onnx.utils.extract_model.",
        )
    if kind not in tuple("biufc"):
        raise UnsupportedModel(
            f"The output {name!r} is not a tensor of numbers.",
            hint="Export it with tensor outputs; for scikit-learn: to_onnx(..., options={'zipmap': False}).",
        )
    return TensorSpec(name, str(array.dtype), tuple(array.shape))


SOURCE = OnnxSource()
