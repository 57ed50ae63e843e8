"""Unstructured magnitude pruning: the smallest weights become zero, so the model compresses better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.library_errors import library
from core.protocols import Array, Idea, LocalArtifact, Pass, PassContext
from core.pruning import magnitude
from core.pruning.onnx import weights as onnx_weights
from core.pruning.torch import weights as torch_weights

HINT = "Choose a smaller amount, or quantize instead."
TOLERANCE = 1e-3


@dataclass(frozen=True)
class PruneMagnitudeParams:
    """How many weights go, and where they are looked for."""

    amount: float = setting(
        0.5, "Zeroed share", help="More shrinks the download further and costs accuracy.", low=0.05, high=0.95
    )
    scope: str = setting(
        "layer",
        "Smallest of",
        help="Layer: the same share everywhere. Global: more where weights are small, less where they count. "
        "2:4: two of each four neighbours, as sparse tensor cores want it; always half.",
        choices=("layer", "global", magnitude.OF_FOUR),
    )


class PruneMagnitude(Pass):
    """Han et al. 2015 (arXiv 1506.02626), without the retraining."""

    id = "prune_magnitude"
    name = "Magnitude pruning"
    summary = (
        "Zeroes the smallest weights: the compressed download shrinks, but runtimes for dense tensors "
        "get no faster by zeros."
    )
    learn = Learn(
        does="The smallest weights become zero. The tensors keep their shapes, so that runtimes multiply "
        "the zeros like any other number.",
        costs="Accuracy, from about half of the weights on without training afterwards.",
        choose="When the compressed download has to be small. It makes nothing faster: take channel pruning "
        "for time.",
        expect="No faster; the compressed download shrinks about as much as the share of zeros",
        picture=Picture.WEIGHTS,
    )
    kind = Kind.PRUNING
    Params = PruneMagnitudeParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "state_dict", "pt2": "pt2", "onnx": "onnx"}
    libraries = ("torch", "onnx")
    build_s = (2.0, 0.3)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself, and quantized after it."""
        yield Idea(2, 280, "onnxruntime", (Step(self.id, {"amount": 0.5}),))
        yield Idea(3, 370, "onnxruntime", (Step(self.id, {"amount": 0.5, "scope": "global"}),))
        yield Idea(3, 380, "onnxruntime", (Step(self.id), Step("int8_static_ort")))

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: PruneMagnitudeParams
    ) -> LocalArtifact:
        """Zero the smallest weights of convolutions and matrix products; biases, norms and tables stay.

        Raises:
            PassNotApplicable: There is no such weight, or the model is quantized.
            PassFailed: The file cannot be read.
        """
        with library("Pruning", context.folder, HINT):
            files, before, after = FORMATS[artifact.format](context, artifact, params)
            smaller = {
                "compressed_before": magnitude.compressed_bytes(artifact.files),
                "compressed": magnitude.compressed_bytes(files),
            }
        details = _sparsity(before, after) | smaller | {"scope": params.scope}
        return LocalArtifact(artifact.format, files[0], files, dict(artifact.options), details)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Yield what the zeros are good for: a smaller download, and no speed."""
        if "compressed" in details:
            before, after = details["compressed_before"] / 1e6, details["compressed"] / 1e6
            yield Finding(
                "unused_sparsity",
                FindingKind.WARNING,
                f"{details['sparsity']:.0%} of the weights are zero. Compressed, the file of "
                f"this step takes {after:.3g} MB instead of {before:.3g} MB.",
                "The runtimes here compute zeros like any other number, so they bring no speed.",
                "For speed, leave whole channels or blocks out instead.",
                Figure(100 * details["sparsity"], "%"),
                Figure(details["sparsity"] * result.timing.latency.p50, MS),
            )

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: PruneMagnitudeParams) -> None:
        """Count the zeros in the new file.

        Raises:
            PassFailed: They are fewer than asked for, or the old file had as many.
        """
        old, new = _zeros(before), _zeros(after)
        if params.scope == magnitude.OF_FOUR and new > old:
            return
        asked = params.amount * after.details["weights"]
        if new < asked * (1 - TOLERANCE) - after.details["layers"] or new < old:
            raise PassFailed(f"{new:,} weights are zero, {asked:,.0f} were asked for.", hint=HINT)
        if after.details["sparsity"] < params.amount - TOLERANCE - 1 / after.details["weights"]:
            raise PassFailed("The measured share of zeros is below the one asked for.", hint=HINT)


Pruned = tuple[tuple[Path, ...], Mapping[str, Array], Mapping[str, Array]]


def _state_dict(context: PassContext, artifact: LocalArtifact, params: PruneMagnitudeParams) -> Pruned:
    from safetensors.torch import load_file, save_file

    from core.graphs.torch.modules import open_module

    path = context.folder / "model.safetensors"
    names = torch_weights.module_weights(open_module(artifact, context.model))
    state = load_file(str(artifact.path))
    before = _zeroed({name: state[name] for name in names if name in state}, params)
    save_file(state, str(path))
    return (path,), before, _arrays(load_file(str(path)), before)


def _pt2(context: PassContext, artifact: LocalArtifact, params: PruneMagnitudeParams) -> Pruned:
    import torch

    from core.graphs.torch.modules import load_exported

    path = context.folder / "model.pt2"
    program = load_exported(artifact.path)
    before = _zeroed(torch_weights.program_weights(program), params)
    torch.export.save(program, str(path))
    return (path,), before, _arrays(torch_weights.program_weights(load_exported(path)), before)


def _onnx(context: PassContext, artifact: LocalArtifact, params: PruneMagnitudeParams) -> Pruned:
    from onnx import numpy_helper

    model = onnx_files.load(artifact.path)
    found = onnx_weights.weights(model)
    if kinds := onnx_weights.quantized(model):
        raise PassNotApplicable(
            f"The graph is quantized ({', '.join(kinds)}): its zeros would have to be those of its scales.",
            hint="Prune before quantizing.",
        )
    before = {name: numpy_helper.to_array(tensor) for name, tensor in found.items()}
    _require_something(before)
    turned = onnx_weights.inputs_first(model)
    for name, keep in magnitude.masks(before, params.amount, params.scope, turned).items():
        onnx_weights.write(found[name], np.where(keep, before[name], before[name].dtype.type(0)))
    files = onnx_files.save(model, context.folder / "model.onnx")
    again = onnx_weights.weights(onnx_files.load(files[0]))
    return files, before, {name: numpy_helper.to_array(again[name]) for name in before}


FORMATS = {"state_dict": _state_dict, "pt2": _pt2, "onnx": _onnx}


def _zeroed(weights: Mapping[str, Any], params: PruneMagnitudeParams) -> dict[str, Array]:
    """Zero `weights` in place and return copies of what they were."""
    import torch

    before = {name: weight.detach().float().numpy().copy() for name, weight in weights.items()}
    _require_something(before)
    for name, keep in magnitude.masks(before, params.amount, params.scope).items():
        weights[name].data.masked_fill_(torch.from_numpy(~keep), 0)
    return before


def _arrays(tensors: Mapping[str, Any], names: Mapping[str, Array]) -> dict[str, Array]:
    return {name: tensors[name].detach().float().numpy() for name in names}


def _require_something(weights: Mapping[str, Array]) -> None:
    if not weights:
        raise PassNotApplicable(
            "The model has no convolution and no matrix product with float weights of its own.",
            hint="Choose graph optimization.",
        )


def _sparsity(before: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, Any]:
    shares = [magnitude.zeros([array]) / array.size for array in after.values()]
    total = sum(array.size for array in after.values())
    return {
        "weights": total,
        "layers": len(after),
        "sparsity": magnitude.zeros(after.values()) / total,
        "sparsity_before": magnitude.zeros(before.values()) / total,
        "sparsest_layer": max(shares),
        "densest_layer": min(shares),
    }


def _zeros(artifact: LocalArtifact) -> int:
    """Return the zeros in all tensors of two dimensions or more."""
    if artifact.format == "onnx":
        from onnx import numpy_helper

        found = onnx_weights.weights(onnx_files.load(artifact.path)).values()
        return magnitude.zeros(numpy_helper.to_array(tensor) for tensor in found)
    if artifact.format == "pt2":
        from core.graphs.torch.modules import load_exported

        state = torch_weights.program_weights(load_exported(artifact.path))
    else:
        from safetensors.torch import load_file

        state = load_file(str(artifact.path))
    return sum(int((tensor == 0).sum()) for tensor in state.values() if tensor.ndim >= 2)


PASS = PruneMagnitude()
