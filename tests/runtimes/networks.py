"""Two tiny networks in every format: a perceptron, and one with several inputs, outputs and a scalar."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.architectures import identify
from core.architectures.networks.mlp import TabularMlp
from core.domain.model import SourceModel, TensorSpec
from core.protocols import Array, Feed, LocalArtifact
from tests.runtimes import tflite

FORMATS = (
    "state_dict",
    "pt2",
    "torchscript",
    "onnx",
    "ort",
    "openvino",
    "tflite",
    "aotinductor",
    "ncnn",
    "pte",
)
TAKE_LONG = {"aotinductor", "pte"}
"""Formats whose files take long to make."""
ARTIFACT = {
    "aotinductor": "model.pt2",
    "onnx": "model.onnx",
    "ort": "model.ort",
    "openvino": "model.xml",
    "pt2": "model.pt2",
    "tflite": "model.tflite",
    "ncnn": "model.param",
    "pte": "model.pte",
}
WEIGHTS = {"openvino": ".bin", "ncnn": ".bin"}
"""Suffix of the second file."""


class Several(nn.Module):
    """Floats, token ids and a 0-d scale in; two outputs of different rank and dtype out."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)

    def forward(self, x: torch.Tensor, ids: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return x * scale + self.embedding(ids).sum(1), ids + 1


def perceptron() -> tuple[nn.Module, SourceModel]:
    torch.manual_seed(0)
    module = TabularMlp([6, 16, 4]).eval()
    found = identify({key: tuple(value.shape) for key, value in module.state_dict().items()})
    ports = (
        (TensorSpec("features", "float32", ("batch", 6)),),
        (TensorSpec("logits", "float32", ("batch", 4)),),
    )
    return module, described(*ports, classes=4, architecture=asdict(found))


def several() -> tuple[nn.Module, SourceModel]:
    torch.manual_seed(0)
    inputs = (
        TensorSpec("x", "float32", ("batch", 4)),
        TensorSpec("ids", "int64", ("batch", 3), high=7),
        TensorSpec("scale", "float32", ()),
    )
    outputs = (TensorSpec("y", "float32", ("batch", 4)), TensorSpec("next", "int64", ("batch", 3)))
    return Several().eval(), described(inputs, outputs)


def described(inputs: Any, outputs: Any, **more: Any) -> SourceModel:
    return SourceModel(
        id="m", name="net", format="pt2", files=(), sha256="", inputs=inputs, outputs=outputs,
        symbols={"batch": 1}, batch_symbol="batch", parameters=1, macs=1, size_bytes=1, **more,
    )  # fmt: skip


def feed_of(model: SourceModel, batch: int = 2, seed: int = 1) -> Feed:
    generator = np.random.default_rng(seed)
    return {
        spec.name: generator.integers(0, spec.high or 2, shape)
        if spec.dtype == "int64"
        else np.asarray(generator.standard_normal(shape), dtype=np.float32)
        for spec, shape in ((spec, model.shapes(batch)[spec.name]) for spec in model.inputs)
    }


def expected(module: nn.Module, feed: Feed) -> list[Array]:
    with torch.inference_mode():
        outputs = module(*(torch.from_numpy(np.array(array)) for array in feed.values()))
    return [each.numpy() for each in (outputs if isinstance(outputs, tuple) else (outputs,))]


def save(module: nn.Module, model: SourceModel, format_: str, folder: Path) -> LocalArtifact:
    """Write `module` in one format."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ARTIFACT.get(format_, "model.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        WRITERS[format_](module, model, path)
    files = (path, path.with_suffix(WEIGHTS[format_])) if format_ in WEIGHTS else (path,)
    return LocalArtifact(format_, path, files, _fed(model) if format_ == "ncnn" else {})


def _fed(model: SourceModel) -> dict[str, Any]:
    """Return the options of an ncnn artifact: a batch in front of everything."""
    ports = {"inputs": model.inputs, "outputs": model.outputs}
    told = {
        name: [[0, list(each.resolve({})), each.dtype] for each in specs] for name, specs in ports.items()
    }
    return {**told, "largest_batch": 0}


def _tensors(model: SourceModel) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(np.array(array)) for array in feed_of(model).values())


def _state_dict(module: nn.Module, model: SourceModel, path: Path) -> None:
    from safetensors.torch import save_file

    save_file(module.state_dict(), path)


def _exported(module: nn.Module, model: SourceModel) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = tuple({0: batch} if spec.shape else {} for spec in model.inputs)
    return torch.export.export(module, _tensors(model), dynamic_shapes=shapes)


def _pt2(module: nn.Module, model: SourceModel, path: Path) -> None:
    torch.export.save(_exported(module, model), path)


def _aotinductor(module: nn.Module, model: SourceModel, path: Path) -> None:
    with torch.no_grad():
        torch._inductor.aoti_compile_and_package(_exported(module, model), package_path=str(path))


def _torchscript(module: nn.Module, model: SourceModel, path: Path) -> None:
    torch.jit.trace(module, _tensors(model)).save(str(path))


def _onnx(module: nn.Module, model: SourceModel, path: Path) -> None:
    ports = (*model.inputs, *model.outputs)
    torch.onnx.export(
        module, _tensors(model), str(path), dynamo=False, external_data=False,
        input_names=[spec.name for spec in model.inputs], output_names=[spec.name for spec in model.outputs],
        dynamic_axes={spec.name: {0: "batch"} for spec in ports if spec.shape},
    )  # fmt: skip


def _ort(module: nn.Module, model: SourceModel, path: Path) -> None:
    import onnxruntime

    _onnx(module, model, path.with_suffix(".onnx"))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(path.with_suffix(".onnx")), options)


def _openvino(module: nn.Module, model: SourceModel, path: Path) -> None:
    import openvino

    shapes = [[-1 if isinstance(size, str) else size for size in spec.shape] for spec in model.inputs]
    graph = openvino.convert_model(module, example_input=_tensors(model), input=shapes)
    openvino.save_model(graph, path, compress_to_fp16=False)


def _tflite(module: nn.Module, model: SourceModel, path: Path) -> None:
    tflite.write(module, path)


def _ncnn(module: nn.Module, model: SourceModel, path: Path) -> None:
    """Write the linear layers of `module`, with ReLU between them."""
    layers = [each for each in module.modules() if isinstance(each, nn.Linear)]
    lines, weights, before = ["Input in0 0 1 in0"], b"", "in0"
    for number, layer in enumerate(layers):
        last = layer is layers[-1]
        after = "out0" if last else f"blob{number}"
        shape = f"0={layer.out_features} 1=1 2={layer.weight.numel()} 9={int(not last)}"
        lines.append(f"InnerProduct layer{number} 1 1 {before} {after} {shape}")
        # What kind of weights they are, the weights, and the bias without its kind.
        held = [np.zeros(1, np.uint32), *(each.detach().numpy() for each in (layer.weight, layer.bias))]
        weights += b"".join(each.tobytes() for each in held)
        before = after
    path.write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines, ""]))
    path.with_suffix(".bin").write_bytes(weights)


def _pte(module: nn.Module, model: SourceModel, path: Path) -> None:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    batch = torch.export.Dim("batch", min=1, max=8)
    shapes = tuple({0: batch} if spec.shape else {} for spec in model.inputs)
    program = torch.export.export(module, _tensors(model), dynamic_shapes=shapes)
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    path.write_bytes(lowered.buffer)


WRITERS = {
    "aotinductor": _aotinductor,
    "ncnn": _ncnn,
    "pte": _pte,
    "tflite": _tflite,
    "state_dict": _state_dict,
    "pt2": _pt2,
    "torchscript": _torchscript,
    "onnx": _onnx,
    "ort": _ort,
    "openvino": _openvino,
}
