"""Read, write and run OpenVINO models in passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.domain.model import SourceModel
from core.examples import example_feed
from core.passes.checks import batches, distance, onnx_outputs, require_finite
from core.protocols import Array, PassContext


def read(path: Path, source: SourceModel) -> Any:
    """Return the OpenVINO model of an ONNX or IR file, its inputs named as the source's.

    Doubles that are only cast to single precision at once are fed in single precision: the plugin cannot
    put such casts and quantization together.
    """
    import openvino as ov

    model = ov.Core().read_model(str(path))
    known = [spec.name for spec in source.inputs]
    for at, port in enumerate(model.inputs):
        named = [name for name in known if name in port.get_names()]
        if named or not port.get_names():
            port.get_tensor().set_names({(named or known[at:])[0]})
    _take_single(model)
    return model


def _take_single(model: Any) -> None:
    import openvino as ov

    double, single = ov.Type.f64, ov.Type.f32
    for parameter in model.get_parameters():
        users = [port.get_node() for port in parameter.output(0).get_target_inputs()]
        casts = all(
            user.get_type_name() == "Convert" and user.get_output_element_type(0) == single for user in users
        )
        if parameter.get_element_type() == double and casts:
            parameter.set_element_type(single)
    for result in model.get_results():
        cast = result.input_value(0).get_node()
        if cast.get_type_name() == "Convert" and cast.get_output_element_type(0) == double:
            names, source = cast.output(0).get_names(), cast.input_value(0)
            result.input(0).replace_source_output(source)
            source.get_tensor().add_names(names)
    model.validate_nodes_and_infer_types()


def write(model: Any, folder: Path, compress: bool) -> tuple[Path, ...]:
    """Save `model` into `folder` and return its files; with `compress`, weights in FP16."""
    import openvino as ov

    path = folder / "model.xml"
    ov.save_model(model, str(path), compress_to_fp16=compress)
    return (path, path.with_suffix(".bin"))


def outputs(path: Path, context: PassContext, batch: int = 1) -> list[Array]:
    """Return what OpenVINO makes of the file on an example, computing in FP32."""
    import openvino as ov

    config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": context.threads}
    compiled = ov.Core().compile_model(str(path), "CPU", config)
    feed = example_feed(context.model, batch, context.seed)
    known = {name for port in compiled.inputs for name in port.get_names()}
    answer = compiled({name: array for name, array in feed.items() if name in known} or list(feed.values()))
    return [answer[port] for port in compiled.outputs]


def reference(path: Path, context: PassContext, batch: int = 1) -> list[Array]:
    """Return what a model that is to be quantized computes: an ONNX file on ONNX Runtime, IR on OpenVINO."""
    return outputs(path, context, batch) if path.suffix == ".xml" else onnx_outputs(path, context, batch)


def largest_difference(before: Path, after: Path, context: PassContext, hint: str) -> float:
    """Return how far an OpenVINO file is from the one it was made of, over the batches to compare.

    Raises:
        PassFailed: Its outputs are not finite where the others are; with `hint`.
    """
    largest = 0.0
    for batch in batches(context):
        expected, found = reference(before, context, batch), outputs(after, context, batch)
        require_finite(found, expected, hint)
        largest = max(largest, distance(expected, found))
    return largest
