"""Optimize an ONNX graph without changing what it computes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind
from core.errors import PassFailed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import batches, distance, onnx_outputs
from core.passes.library_errors import library
from core.passes.quantization.coverage import onnx_counts
from core.protocols import Idea, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-3
HINT = "Use the graph as it is: runtimes optimize it again when they load it."


@dataclass(frozen=True)
class OptimizeOnnxParams:
    """How far to go."""

    level: str = setting(
        "basic",
        "Level",
        help="Basic stays standard ONNX; extended fuses into operators that only ONNX Runtime knows.",
        choices=("basic", "extended"),
    )
    slim: bool = setting(True, "Slim first", help="Folds constants and removes dead nodes with onnxslim.")
    opset: int = setting(
        13, "Smallest operator set", help="Older graphs are converted; quantizers want 13.", low=7, high=20
    )


class OptimizeOnnx(Pass):
    """Onnxslim, then ONNX Runtime's optimizer; a step that fails or changes the outputs is left out."""

    id = "optimize_onnx"
    name = "Graph optimization"
    summary = "Folds constants, fuses layers and removes dead nodes; the outputs stay the same."
    learn = Learn(
        does="Constants are folded, layers fused and dead nodes removed, once and in the file rather than "
        "at every load.",
        costs="Nothing in accuracy: a step that changes the outputs is left out.",
        choose="For ONNX files as exporters leave them, and before quantization. Runtimes do most of this "
        "by themselves.",
        expect="0 to 10 % faster, loaded faster",
    )
    kind = Kind.CONVERSION
    Params = OptimizeOnnxParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    converts = True
    libraries = ("onnxruntime", "onnxslim", "onnx")
    build_s = (1.5, 0.5)
    weights_held = 5.0

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself; of a network in double precision it works where little else does."""
        yield Idea(1, 20, "onnxruntime", (Step(self.id),))
        if model.precision == "FP64":
            yield Idea(1, 900, "onnxruntime", (Step(self.id),), opened=False)

    def run(self, context: PassContext, artifact: LocalArtifact, params: OptimizeOnnxParams) -> LocalArtifact:
        """Apply the steps one by one and keep those after which the outputs are the same.

        Raises:
            PassFailed: No step could be kept.
        """
        path = context.folder / "model.onnx"
        with library("The graph optimizer", context.folder, HINT) as work:
            model = onnx_files.load(artifact.path)
            before = sum(onnx_files.count_ops(model).values())
            done: list[str] = []
            difference = 0.0
            for name in _steps(params, model):
                candidate, changed = _tried(name, model, params, context, work, artifact.path)
                if candidate is not None:
                    model, difference, done = candidate, max(difference, changed), [*done, name]
            if not done:
                raise PassFailed(
                    "No optimizer could work on this graph without changing its outputs.", hint=HINT
                )
            files = onnx_files.save(model, path)
        details: dict[str, Any] = {
            "steps": done,
            "nodes_before": before,
            "nodes": sum(onnx_files.count_ops(model).values()),
            "opset": onnx_files.opset(model),
            "difference": difference,
        }
        details |= onnx_counts(model)
        return LocalArtifact("onnx", path, files, dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: OptimizeOnnxParams) -> None:
        """Check that inputs and outputs kept their names and that basic optimization stayed standard ONNX.

        Raises:
            PassFailed: They did not.
        """
        old, new = (onnx_files.load(artifact.path, weights=False) for artifact in (before, after))
        if onnx_files.output_names(old) != onnx_files.output_names(new):
            raise PassFailed("The outputs of the optimized graph have other names.", hint=HINT)
        if not set(onnx_files.input_names(new)) <= set(onnx_files.input_names(old)):
            raise PassFailed("The inputs of the optimized graph have other names.", hint=HINT)
        foreign = _domains(new) - _domains(old)
        if params.level == "basic" and foreign:
            raise PassFailed(f"The graph holds operators of {', '.join(sorted(foreign))}.", hint=HINT)


def _steps(params: OptimizeOnnxParams, model: ModelProto) -> list[str]:
    return [
        *(["opset"] if onnx_files.opset(model) < params.opset else []),
        *(["slim"] if params.slim else []),
        params.level,
    ]


def _tried(
    name: str, model: ModelProto, params: OptimizeOnnxParams, context: PassContext, work: Path, original: Path
) -> tuple[ModelProto | None, float]:
    """Return the model after one step, or None where the step fails or changes the outputs."""
    path = work / f"{name}.onnx"
    try:
        changed = _step(name, model, params, work)
        onnx_edits.drop_shapes(changed)
        onnx_files.save(changed, path)
        worst = max(
            distance(onnx_outputs(original, context, batch), onnx_outputs(path, context, batch))
            for batch in batches(context)
        )
    except Exception:  # these libraries raise all kinds of errors; the step is left out and the row says so
        return None, 0.0
    return (changed, worst) if worst <= TOLERANCE else (None, 0.0)


def _step(name: str, model: ModelProto, params: OptimizeOnnxParams, work: Path) -> ModelProto:
    from copy import deepcopy

    if name == "opset":
        return onnx_edits.upgraded(deepcopy(model), params.opset)
    if name == "slim":
        import onnxslim

        copied = deepcopy(model)
        onnx_edits.drop_weight_inputs(copied)
        slimmed: ModelProto = onnxslim.slim(copied)
        return slimmed
    source = onnx_files.save(model, work / "source.onnx")[0]
    return onnx_edits.fused(source, work / "fused.onnx", name)


def _domains(model: ModelProto) -> set[str]:
    return {node.domain for node in onnx_files.nodes(model) if node.domain not in ("", "ai.onnx")}


PASS = OptimizeOnnx()
