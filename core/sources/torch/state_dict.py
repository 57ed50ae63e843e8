"""State dicts (.pth, .pt, .bin, .safetensors): the network is found in the catalogue by names and shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.archives.checkpoints import read_checkpoint
from core.archives.torch_files import (
    CONVERT_HINT,
    check_state_dict_pickle,
    is_safetensors,
    torch_zip_kind,
)
from core.complaints import complaint
from core.domain.model import Note, TensorSpec
from core.errors import CorruptFile, UnsafeUpload, UnsupportedModel
from core.protocols import Inspection, InspectOptions
from core.sources.description import describe
from core.sources.probe import Specs, settle
from core.sources.task_inference import IMAGE, OTHER, TABULAR, TEXT
from core.sources.torch.export_lines import export_hint
from core.sources.torch.forward_pass import runner, watch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.architectures import Architecture

AGAIN = "Save the weights again: torch.save(model.state_dict(), 'weights.pth')."


class StateDictSource:
    """Weights without their network, as PyTorch or safetensors stores them."""

    id = "state_dict"
    name = "PyTorch weights (state dict)"
    order = 40

    def recognizes(self, path: Path) -> bool:
        """Whether it is a safetensors file, or an archive or pickle of torch.save."""
        return is_safetensors(path) or torch_zip_kind(path) in ("state_dict", "pickled_module")

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Find the network, load the weights strictly and keep them as safetensors.

        Raises:
            UnsafeUpload: The file holds a pickled module or other objects besides tensors.
            CorruptFile: It is truncated or broken.
            UnsupportedModel: No architecture of the catalogue fits.
        """
        from core.architectures import load, unwrap

        checkpoint = _read(path, options)
        tensors, notes = _as_float32(unwrap(checkpoint))
        architecture = _identify(path, tensors, options, named_inside(checkpoint))
        module = load(architecture, tensors).eval()
        kept = (_write(module, folder / "model.safetensors"),)
        settled = settle(_inputs(architecture, options), runner(module, ["input"]), options.shapes)
        settled, macs = watch(module, settled)
        model = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            macs=macs,
            notes=(*notes, *(Note(text) for text in architecture.notes)),
            classes=(architecture.classes or None) if len(settled.outputs) == 1 else None,
            task=_task(architecture, settled.outputs),
            architecture=asdict(architecture),
            preprocessing=architecture.preprocessing,
        )
        return Inspection(model, kept)


def _read(path: Path, options: InspectOptions) -> object:
    if is_safetensors(path):
        return _read_safetensors(path)
    try:
        check_state_dict_pickle(path)
    except UnsafeUpload as error:
        if error.hint != CONVERT_HINT:
            raise
        raise UnsafeUpload(error.message, hint=export_hint(path, options.shapes)) from error
    return read_checkpoint(path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (SafetensorError, ValueError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise CorruptFile(
            f"The safetensors file is broken or truncated: {complaint(error)}.",
            hint="Copy or download it again.",
        ) from error


def _as_float32(tensors: Mapping[str, Any]) -> tuple[dict[str, Tensor], tuple[Note, ...]]:
    """Return dense tensors, other float types than float32 converted, with a note that says so."""
    import torch

    converted, found = {}, set()
    for key, tensor in tensors.items():
        tensor = tensor if isinstance(tensor, torch.Tensor) else torch.as_tensor(tensor)
        if tensor.is_quantized or tensor.layout != torch.strided or tensor.device.type == "meta":
            raise UnsupportedModel(
                f"The tensor {key!r} is quantized, sparse or empty; dense float weights are needed.",
                hint=AGAIN,
            )
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            found.add(str(tensor.dtype).removeprefix("torch."))
            tensor = tensor.float()
        converted[key] = tensor.detach()
    if not found:
        return converted, ()
    message = f"The weights are stored as {' and '.join(sorted(found))} and were converted to float32."
    return converted, (Note(message, "Upload the float32 weights where you have them."),)


def named_inside(checkpoint: object) -> str:
    """Return the architecture that a training script wrote beside the weights, or nothing."""
    holder = checkpoint if isinstance(checkpoint, Mapping) else {}
    options = holder.get("args")
    stated = options if isinstance(options, Mapping) else getattr(options, "__dict__", {})
    found = holder.get("arch") or stated.get("model") or stated.get("arch")
    return found if isinstance(found, str) else ""


def _identify(path: Path, tensors: Mapping[str, Tensor], options: InspectOptions, named: str) -> Architecture:
    from core.architectures import identify
    from core.architectures.catalogue import HINT

    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    try:
        return identify(shapes, options.architecture or None, (named, path.stem))
    except UnsupportedModel as error:
        if error.hint != HINT or options.architecture:
            raise
        first = next((shape for shape in shapes.values() if len(shape) > 1), ())
        raise UnsupportedModel(error.message, hint=export_hint(path, options.shapes, first)) from error


def _write(module: nn.Module, target: Path) -> Path:
    from safetensors.torch import save_file

    target.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.detach().clone().contiguous() for key, value in module.state_dict().items()}
    save_file(state, str(target))
    return target


def _inputs(architecture: Architecture, options: InspectOptions) -> tuple[TensorSpec, ...]:
    """Return the one input; a stated shape of the right rank replaces the architecture's own."""
    own = tuple(architecture.input_shape)
    given = options.shapes.get("input", ())
    shape = given[1:] if len(given) == len(own) + 1 else own
    return (TensorSpec("input", architecture.input_dtype, ("batch", *shape), architecture.values),)


def _task(architecture: Architecture, outputs: Specs) -> str:
    """Return the task; a class for every pixel is no classification of images."""
    if not architecture.classes or len(outputs) != 1 or len(outputs[0].shape) != 2:
        return OTHER
    if architecture.input_dtype.startswith("int"):
        return TEXT
    return {3: IMAGE, 1: TABULAR}.get(len(architecture.input_shape), OTHER)


SOURCE = StateDictSource()
