"""Export to ncnn with pnnx, its converter from PyTorch."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.archives.ncnn_params import ports_of, read_layers
from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.graphs.ncnn import NO_AXIS, Network
from core.graphs.torch.modules import open_module, quiet_torch
from core.params import setting
from core.passes.checks import OTHER_BATCH, differ, differences, distance
from core.passes.conversion.fixed_sizes import fixed_sizes
from core.passes.conversion.pnnx import convert, converter
from core.passes.library_errors import library
from core.passes.torch_calls import arguments, outputs
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import nn

EXACT, ROUNDED = 1e-3, 3e-2
"""Largest difference from the program, relative to the output's range; the latter with weights in FP16."""
HINT = "Take LiteRT or ONNX for this model; ncnn knows fewer operators."
_INPUT = re.compile(r'ex\.input\("in(\d+)", .*?batch_index=(\d+)\)')
_OUTPUT = re.compile(r"out(\d+)\.numpy\((?:.*?)batch_index=(\d+)\)")


@dataclass(frozen=True)
class ExportNcnnParams:
    """How to store the weights."""

    fp16: bool = setting(
        False,
        "Weights in FP16",
        help="Half the size; computed in FP32 here, and in FP16 by phones whose processors do.",
        words={True: "FP16 weights"},
        precision=True,
    )


class ExportNcnn(Pass):
    """A trace of the exported program, converted by pnnx, and compared in ncnn."""

    id = "export_ncnn"
    name = "ncnn"
    summary = "Converts to ncnn's two files for phones and small boards, in FP32 or with weights in FP16."
    learn = Learn(
        does="The network becomes ncnn's layers: a text file and a file of weights, which a small C++ "
        "library runs. The converter is pnnx; its files are compared in ncnn with the program.",
        costs="Nothing in accuracy. Some operators have no counterpart, and some networks take one sample a "
        "call.",
        choose="For apps on Android and iOS that have to stay small, and for boards with ARM processors. For "
        "INT8 take LiteRT or ExecuTorch: ncnn's package holds no tools for it.",
        expect="The same answers; on ARM processors as fast as LiteRT, on servers often slower than ONNX "
        "Runtime",
    )
    kind = Kind.CONVERSION
    Params = ExportNcnnParams
    produces: ClassVar[dict[str, str]] = {"pt2": "ncnn"}
    converts = True
    starts = ("pnnx/pnnx",)
    libraries = ("torch", "ncnn", "pnnx")
    build_s = (8.0, 2.0)

    def requires(self, model: SourceModel, environment: Environment, params: ExportNcnnParams) -> None:
        """Refuse a fixed batch of several samples, and a machine without pnnx.

        Raises:
            PassNotApplicable: One of these.
        """
        if (model.fixed_batch or 1) > 1:
            raise PassNotApplicable(
                f"The model takes {model.fixed_batch} samples a call, and ncnn is made for one.",
                hint="Export it with a batch of 1, or with a free one.",
            )
        if converter() is None:
            raise PassNotApplicable("pnnx is not installed.", hint="Install it: pip install pnnx ncnn")

    def run(self, context: PassContext, artifact: LocalArtifact, params: ExportNcnnParams) -> LocalArtifact:
        """Trace, convert, and compare on other inputs than those it was traced with.

        Raises:
            PassNotApplicable: ncnn does not have an operator.
            PassFailed: pnnx cannot convert the network, or ncnn cannot run what it wrote.
        """
        files = tuple(context.folder / name for name in ("model.param", "model.bin"))
        with library("ncnn", context.folder, HINT) as work:
            module = open_module(artifact, context.model)
            expected = {
                batch: outputs(module, context, batch, seed=context.seed + 1) for batch in _batches(context)
            }
            options = _converted(module, context, params.fp16, work.resolve(), files)
            details = differences([(expected[1], _answers(files[0], options, context, 1))])
            if any(
                batch > 1 and not _alike(files[0], options, context, each) for batch, each in expected.items()
            ):
                options["largest_batch"] = 1
        layers = [layer.kind for layer in read_layers(files[0])]
        details |= {"layers": len(layers), "largest_batch": options["largest_batch"]} | fixed_sizes(
            context.model
        )
        return LocalArtifact("ncnn", files[0], files, {**artifact.options, **options}, details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportNcnnParams) -> None:
        """Check that ncnn computes what the program does.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= (ROUNDED if params.fp16 else EXACT):
            raise PassFailed(f"On ncnn {differ(after.details)}.", hint=HINT)


def _batches(context: PassContext) -> tuple[int, ...]:
    return (1, OTHER_BATCH) if context.model.fixed_batch is None else (1,)


def _converted(
    module: nn.Module, context: PassContext, fp16: bool, work: Path, files: tuple[Path, ...]
) -> dict[str, Any]:
    """Write the files and return how they are fed, as options.

    Raises:
        PassNotApplicable: ncnn does not have an operator.
    """
    import torch

    feed, script = example_feed(context.model, 1, context.seed), work / "model.pt"
    given = [feed[spec.name] for spec in context.model.inputs]
    with quiet_torch():
        expected = outputs(module, context, 1)
        # The check of the inputs' sizes compares symbols, which cannot be traced; these inputs are our own.
        module._forward_pre_hooks.clear()
        traced = torch.jit.trace(_pooled(module), arguments(context, 1), check_trace=False, strict=False)
        torch.jit.save(traced, str(script))
    made = convert(script, given, fp16, HINT)
    _require_known(made[0])
    for source, target in zip(made, files, strict=False):
        shutil.copyfile(source, target)
    said = made[2].read_text(encoding="utf8", errors="replace")
    inputs, axes = ({int(at): int(axis) for at, axis in each.findall(said)} for each in (_INPUT, _OUTPUT))
    return {
        "inputs": [[inputs.get(index, NO_AXIS), *_told(each)] for index, each in enumerate(given)],
        "outputs": [[axes.get(index, NO_AXIS), *_told(each)] for index, each in enumerate(expected)],
        "largest_batch": 0 if context.model.fixed_batch is None else 1,
    }


def _pooled(module: Any) -> Any:
    """Return an exported graph in which every n-th row or column of pictures is taken by a pooling of size 1.

    ncnn slices without gaps only.
    """
    import torch

    aten = torch.ops.aten
    for node in tuple(module.graph.nodes):
        if node.target is not aten.slice.Tensor:
            continue
        given: list[Any] = list(node.args)
        x, axis, start, end, step = given + [0, None, None, 1][len(given) - 1 :]
        seen = x.meta.get("val")
        if step == 1 or axis not in (2, 3) or seen is None or seen.dim() != 4 or not seen.is_floating_point():
            continue
        strides = [step if each == axis else 1 for each in (2, 3)]
        with module.graph.inserting_before(node):
            whole = start in (None, 0) and (end is None or end >= seen.shape[axis])
            part = x if whole else module.graph.call_function(aten.slice.Tensor, (x, axis, start, end))
            taken = module.graph.call_function(aten.max_pool2d.default, (part, [1, 1], strides))
        taken.meta = dict(node.meta)
        node.replace_all_uses_with(taken)
        module.graph.erase_node(node)
    module.recompile()
    return module


def _told(array: Array) -> tuple[list[int], str]:
    return list(array.shape), array.dtype.name


def _require_known(path: Path) -> None:
    """Refuse what pnnx wrote down without a layer of ncnn's for it, which it does in silence.

    Raises:
        PassNotApplicable: With the names of the operators.
    """
    layers = read_layers(path)
    foreign = sorted({layer.kind for layer in layers if layer.foreign})
    if foreign:
        raise PassNotApplicable(f"ncnn has no layer for the operator {', '.join(foreign)}.", hint=HINT)
    if not all(ports_of(layers)):
        raise PassNotApplicable("Nothing of the network's inputs or outputs is left in ncnn.", hint=HINT)


def _answers(path: Path, options: dict[str, Any], context: PassContext, batch: int) -> list[Array]:
    feed = example_feed(context.model, batch, context.seed + 1)
    return Network(path, options, context.threads).run([feed[spec.name] for spec in context.model.inputs])


def _alike(path: Path, options: dict[str, Any], context: PassContext, expected: list[Array]) -> bool:
    """Whether ncnn answers a larger batch as the program does; it need not."""
    try:
        return distance(expected, _answers(path, options, context, len(expected[0]))) <= ROUNDED
    except ValueError:
        return False


PASS = ExportNcnn()
