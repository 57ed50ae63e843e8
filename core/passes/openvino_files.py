"""Read, write and run OpenVINO models in passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.domain.model import SourceModel
from core.examples import example_feed
from core.protocols import Array, PassContext


def read(path: Path, source: SourceModel) -> Any:
    """Return the OpenVINO model of an ONNX or IR file, its inputs named as the source's."""
    import openvino as ov

    model = ov.Core().read_model(str(path))
    known = [spec.name for spec in source.inputs]
    for port in model.inputs:
        named = [name for name in known if name in port.get_names()]
        if named:
            port.get_tensor().set_names({named[0]})
    return model


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
    answer = compiled({name: array for name, array in feed.items() if name in known})
    return [answer[port] for port in compiled.outputs]
