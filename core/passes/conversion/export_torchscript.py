"""Export a PyTorch model to TorchScript."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassFailed
from core.graphs.torch.modules import open_module, open_script, quiet_torch
from core.params import setting
from core.passes.checks import EXAMPLE_BATCH, batches, differ, differences
from core.passes.conversion.fallback import fallback_findings, fell_back
from core.passes.conversion.scriptable import scriptable
from core.passes.library_errors import library
from core.passes.torch_calls import arguments, outputs
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import nn

TOLERANCE = 1e-3
HINT = "Export to ONNX instead, or upload a TorchScript file of your own."


@dataclass(frozen=True)
class ExportTorchscriptParams:
    """How far to optimize."""

    freeze: bool = setting(
        True, "Freeze", help="Folds weights and batch norm into the graph; inference only."
    )
    channels_last: bool = setting(
        True,
        "Channels last",
        help="Lays the weights of convolutions out with the channels last, which processors read faster; "
        "networks that it breaks or does not concern stay as they are.",
    )
    optimize: bool = setting(
        False,
        "Optimize for inference",
        help="torch.jit.optimize_for_inference when the file is loaded: convolutions get oneDNN's layouts. A "
        "prototype of PyTorch's, faster for some networks and slower for others.",
        words={True: "optimized for inference"},
    )


class ExportTorchscript(Pass):
    """Exported programs are scripted; modules are traced, or scripted where a trace is wrong."""

    id = "export_torchscript"
    name = "TorchScript"
    summary = (
        "Records the network as a graph that runs without its Python code; keeps the accuracy. Deprecated by "
        "PyTorch: AOTInductor takes its place."
    )
    learn = Learn(
        does="The network is recorded as TorchScript, which PyTorch runs without Python code.",
        costs="Nothing in accuracy. PyTorch has deprecated TorchScript in favour of torch.export and "
        "AOTInductor: it still loads, and is not developed any more.",
        choose="When a C++ program with LibTorch is to run the model on any processor, or its control flow "
        "depends on values: what cannot be traced is scripted.",
        expect="The same answers; up to 1.5 times faster than eager, more for small networks",
    )
    kind = Kind.CONVERSION
    bridges = True
    Params = ExportTorchscriptParams
    version = 2
    produces: ClassVar[dict[str, str]] = {"state_dict": "torchscript", "pt2": "torchscript"}
    converts = True
    libraries = ("torch",)
    build_s = (5.0, 1.0)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return whether the preferred way failed."""
        return fallback_findings(self.name, details)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: ExportTorchscriptParams
    ) -> LocalArtifact:
        """Trace or script, freeze, save, and compare the loaded file with the module.

        Raises:
            PassFailed: Neither way gives the module's outputs.
        """
        module = open_module(artifact, context.model)
        path, problems, traces = context.folder / "model.pt", [], []
        with library("PyTorch", context.folder, HINT):
            expected = _answers(module, context)
        for layout in _layouts(module, params):
            module = module.to(memory_format=layout)
            for name, make in _ways(module, context, artifact.format):
                try:
                    with library(f"The {name}", context.folder, HINT), quiet_torch():
                        found = _attempt(make, params, context, path, expected)
                except PassFailed as error:
                    problems.append(error.message)
                    traces.append(error.traceback)
                    continue
                details = found | {"way": name, "layout": str(layout).split(".")[1]}
                details |= fell_back(name, problems)
                options = {"optimize_for_inference": True} if params.optimize else {}
                return LocalArtifact("torchscript", path, (path,), options, details)
        raise PassFailed(" ".join(dict.fromkeys(problems)), hint=HINT, traceback="\n".join(traces))

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportTorchscriptParams) -> None:
        """Check that the outputs are the module's.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["difference"] <= TOLERANCE or not after.path.stat().st_size:
            raise PassFailed("The script does not compute what the module does.", hint=HINT)


def _layouts(module: nn.Module, params: ExportTorchscriptParams) -> list[Any]:
    """Return the memory formats to try; a graph that views its feature maps as vectors takes one of them."""
    import torch

    convolves = any(each.dim() == 4 for each in module.parameters())
    last = [torch.channels_last] if params.channels_last and convolves else []
    return [*last, torch.contiguous_format]


def _ways(module: nn.Module, context: PassContext, format: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    import torch

    if format == "pt2":
        yield "script", lambda: torch.jit.script(scriptable(module))
    yield (
        "trace",
        lambda: torch.jit.trace(module, arguments(context, EXAMPLE_BATCH), check_trace=False, strict=False),
    )
    if format != "pt2":
        yield "script", lambda: torch.jit.script(module)


def _answers(module: nn.Module, context: PassContext) -> dict[tuple[int, int], list[Array]]:
    """Return outputs by batch and seed: other inputs may take another path than the traced one."""
    seeds = (context.seed, context.seed + 1)
    return {
        (batch, seed): outputs(module, context, batch, seed) for batch in batches(context) for seed in seeds
    }


def _attempt(
    make: Callable[[], Any],
    params: ExportTorchscriptParams,
    context: PassContext,
    path: Path,
    expected: dict[tuple[int, int], list[Array]],
) -> dict[str, Any]:
    import torch

    script = make()
    script = torch.jit.freeze(script.eval()) if params.freeze else script
    torch.jit.save(script, str(path))
    loaded = open_script(path)
    found = differences(
        (answer, outputs(loaded, context, batch, seed)) for (batch, seed), answer in expected.items()
    )
    if not found["difference"] <= TOLERANCE:
        raise PassFailed(f"Compared with the module {differ(found)}.", hint=HINT)
    return found


PASS = ExportTorchscript()
