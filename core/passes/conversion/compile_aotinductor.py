"""Compile a PyTorch program ahead of time with AOTInductor: C++ kernels in a package that needs no Python."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Figure, Finding, FindingKind
from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.graphs.torch.modules import is_quantized, open_module, open_package, quiet_torch
from core.optional import install_line, version
from core.params import setting
from core.passes.checks import batches, differ, differences
from core.passes.library_errors import library
from core.passes.torch_calls import arguments, exported, outputs
from core.protocols import LocalArtifact, Pass, PassContext
from core.sandbox.compilers import INSTALL, compiler

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

TOLERANCES = {"f32": 1e-3, "bf16": 0.1, "int8": 0.1}
"""How far outputs may differ from those before compiling, relative to their range. BF16 is compared with
FP32; kernels of INT8 round the last digit otherwise, and the next layer makes a whole step of that."""
HINT = "Use TorchScript, ONNX Runtime or OpenVINO: the compiler knows fewer networks than these."


@dataclass(frozen=True)
class CompileAotinductorParams:
    """What to trade for what."""

    freeze: bool = setting(
        True,
        "Freezing",
        help="Weights become constants: batch norms are folded into them, and they are laid out once as the "
        "kernels read them. What is quantized is multiplied in integers only so.",
        words={False: "not frozen"},
    )
    batch: int = setting(
        0,
        "Batch",
        help="0 leaves it free. With a fixed one convolutions in FP32 read weights that were laid out "
        "beforehand, and not anew at each call: faster, and the package takes no other batch.",
        low=0,
        high=4096,
    )


class CompileAotinductor(Pass):
    """Inductor writes fused C++ loops for the processor's vectors, g++ compiles them, oneDNN multiplies.

    Source: PyTorch's documentation of AOTInductor and of `torch._inductor.config`.
    """

    id = "compile_aotinductor"
    name = "AOTInductor"
    summary = "Compiles the network to native code for this processor ahead of time; keeps the accuracy."
    learn = Learn(
        does="PyTorch's compiler (the one behind torch.compile) fuses operators into C++ loops for this "
        "processor's vectors, g++ compiles them, and a package holds the library with its weights. INT8 and "
        "BF16 programs are compiled as such.",
        costs="Nothing in accuracy in FP32. Compiling takes half a minute and more, once; the package runs "
        "on this kind of processor and with this version of PyTorch only.",
        choose="When the model stays with PyTorch, from Python or C++, and eager is too slow: the kernels of "
        "torch.compile without its wait at every start.",
        expect="1.2 to 2 times faster than eager in FP32; more for many small operators, and with BF16 or "
        "INT8",
    )
    kind = Kind.CONVERSION
    bridges = True
    Params = CompileAotinductorParams
    produces: ClassVar[dict[str, str]] = {"pt2": "aotinductor"}
    converts = True
    compiles = True
    libraries = ("torch",)
    build_s = (40.0, 4.0)

    def requires(
        self, model: SourceModel, environment: Environment, params: CompileAotinductorParams
    ) -> None:
        """Refuse a machine without a compiler.

        Raises:
            PassNotApplicable: There is no g++.
        """
        _require_compiler()

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return how long it took to compile, which no latency holds."""
        if seconds := details.get("compile_s"):
            yield Finding(
                "compile_time",
                FindingKind.NOTE,
                f"Compiling took {seconds:.0f} s, once; a call takes {result.timing.latency.p50:.3g} ms.",
                "The package holds native code, so nothing is compiled when it is loaded, other than with "
                "torch.compile.",
                figure=Figure(seconds, "s"),
            )

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: CompileAotinductorParams
    ) -> LocalArtifact:
        """Export for inference, compile, and compare the loaded package with the program.

        Raises:
            PassNotApplicable: There is no compiler.
            PassFailed: Inductor or g++ broke on it.
        """
        _require_compiler()
        path = context.folder / "model.pt2"
        with library("AOTInductor", context.folder, HINT):
            from torch._inductor import aoti_compile_and_package

            module = open_module(artifact, context.model)
            sizes = (params.batch,) if params.batch else batches(context)
            expected = [outputs(module, context, size) for size in sizes]
            precision = _precision(module, artifact)
            if is_quantized(module):
                _know_integers()
            began = time.monotonic()
            with quiet_torch(), _one_process():
                program = _program(module, precision, context, params.batch)
                aoti_compile_and_package(
                    program, package_path=str(path), inductor_configs=_settings(params.freeze)
                )
            took = time.monotonic() - began
            package = open_package(path)
            found = [outputs(package, context, size) for size in sizes]
        details = differences(zip(expected, found, strict=True))
        details |= {"compile_s": round(took, 1), "precision": precision}
        options = {"batch": params.batch} if params.batch else {}
        return LocalArtifact("aotinductor", path, (path,), options, details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: CompileAotinductorParams) -> None:
        """Check that the package computes what the program does.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= TOLERANCES[after.details["precision"]]:
            raise PassFailed(f"Compiled by AOTInductor {differ(after.details)}.", hint=HINT)


def _require_compiler() -> None:
    if compiler() is None:
        raise PassNotApplicable("AOTInductor needs a C++ compiler, and there is no g++ here.", hint=INSTALL)


def _know_integers() -> None:
    """Make the rules known by which Inductor puts integer kernels in the place of PT2E's operators.

    Raises:
        PassNotApplicable: torchao, which has them, is not installed.
    """
    if version("torchao") is None:
        raise PassNotApplicable(
            "The rules by which PyTorch's compiler computes in 8 bits are in the library torchao, which is "
            "not installed.",
            hint=f"Install it: {install_line('torchao')}",
        )
    from torchao.quantization.pt2e.inductor_passes import x86

    x86._register_quantization_weight_pack_pass()


def _precision(module: nn.Module, artifact: LocalArtifact) -> str:
    if artifact.options.get("precision") == "bf16":
        return "bf16"
    return "int8" if is_quantized(module) else "f32"


def _settings(freeze: bool) -> dict[str, Any]:
    return {
        "freezing": freeze,
        # Asked for at run time: a package serves any number of threads.
        "cpp.dynamic_threads": True,
        # Worth it only where the next compilation finds them: here the cache is gone with the step.
        "aot_inductor.precompile_headers": False,
    }


@contextmanager
def _one_process() -> Iterator[None]:
    """Compile in this process: a confined one starts compilers and nothing else.

    To learn whether a library for some vectors loads, Inductor starts a Python; here it is loaded at once.
    """
    from torch._inductor import config, cpu_vec_isa

    vectors: Any = cpu_vec_isa.VecISA
    before = vectors._probe_load
    vectors._probe_load = _loads
    try:
        with config.patch(compile_threads=1):
            yield
    finally:
        vectors._probe_load = before


def _loads(_: Any, path: str) -> bool:
    try:
        ctypes.CDLL(path)
    except OSError:
        return False
    return True


def _flatten_linear(module: Any) -> None:
    """Let every linear layer multiply two matrices, whose weights are packed.

    Of three axes with a free batch Inductor makes a batched product with copies of the weights: a transformer
    took four times as long.
    """
    import torch

    for node in module.graph.nodes:
        if node.target is torch.ops.aten.linear.default:
            node.target = _flat_linear
    module.recompile()


def _flat_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the linear layer of `x` (..., in); the export sees its operators."""
    import torch

    flat = torch.nn.functional.linear(x.reshape(-1, x.shape[-1]), weight, bias)
    return flat.reshape(*x.shape[:-1], weight.shape[0])


def _program(module: nn.Module, precision: str, context: PassContext, batch: int) -> ExportedProgram:
    """Return `module` as a program for the compiler: under autocast for BF16, which writes casts into it."""
    import torch

    if not is_quantized(module):  # of which the compiler knows the layers by how they stand
        _flatten_linear(module)

    def recorded() -> ExportedProgram:
        return torch.export.export(module, arguments(context, batch)) if batch else exported(module, context)

    if precision != "bf16":
        return recorded()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made: ExportedProgram = recorded().run_decompositions({})
    return made


PASS = CompileAotinductor()
