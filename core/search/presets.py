"""Which recipes to try for a model on a machine: cheap and lossless ones first, then the likely winners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.errors import InvalidRequest
from core.protocols import Opener
from core.registry import passes

PRESETS = {"quick": 1, "balanced": 2, "thorough": 3}
BASELINE_RUNTIME = {
    "onnx": "onnxruntime",
    "state_dict": "pytorch",
    "pt2": "pytorch",
    "torchscript": "torchscript",
}
BF16 = ("avx512_bf16", "amx_bf16", "bf16")


@dataclass(frozen=True)
class Idea:
    """A recipe worth trying.

    Attributes:
        level: Smallest preset that tries it: 1 quick, 2 balanced, 3 thorough.
        steps: Passes after the export to ONNX, or before it where `torch_steps` says so.
        runtime: Where it runs.
        torch_steps: Passes on the uploaded model, before any export.
        exported: Whether the recipe goes through ONNX.
    """

    level: int
    steps: tuple[Step, ...]
    runtime: str
    torch_steps: tuple[Step, ...] = ()
    exported: bool = True


def _steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(name) for name in names)


NNCF_FULL = Step("int8_static_nncf", {"fast_bias_correction": False})
PRUNE_30 = Step("prune_channels", {"ratio": 0.3})
PRUNE_50 = Step("prune_channels", {"ratio": 0.5})


def _cheap(bf16: bool) -> Iterator[Idea]:
    """Yield what takes seconds to build and loses little or nothing: a short budget ends in the middle."""
    # OpenVINO reads ONNX itself: nothing has to be built before the first figure is there.
    yield Idea(1, (), "openvino")
    if bf16:
        yield Idea(1, _steps("bf16"), "openvino")
    yield Idea(1, _steps("optimize_onnx"), "onnxruntime")


def _convolutional(bf16: bool) -> Iterator[Idea]:
    remainder = _steps("bf16") if bf16 else ()
    yield Idea(1, (Step("int8_static_nncf"), *remainder), "openvino")
    yield Idea(1, _steps("int8_static_ort"), "onnxruntime")
    # Corrects layer by layer: of a heavy network minutes, in which all of the above are there.
    yield Idea(1, (NNCF_FULL, *remainder), "openvino")
    yield Idea(2 if bf16 else 1, _steps("int8_static_nncf"), "openvino")
    yield Idea(1, _steps("fp16"), "onnxruntime")


def _matmul(bf16: bool) -> Iterator[Idea]:
    remainder = _steps("bf16") if bf16 else ()
    yield Idea(1, _steps("int8_dynamic"), "onnxruntime")
    yield Idea(1, (Step("int8_static_nncf"), *remainder), "openvino")
    yield Idea(1, (Step("int8_weights_nncf"), *remainder), "openvino")
    yield Idea(1, _steps("int8_static_ort"), "onnxruntime")
    yield Idea(2, (NNCF_FULL, *remainder), "openvino")
    yield Idea(1, _steps("fp16"), "onnxruntime")


def _wider(bf16: bool) -> Iterator[Idea]:
    remainder = _steps("bf16") if bf16 else ()
    yield Idea(1, _steps("export_torchscript"), "torchscript", exported=False)
    yield Idea(2, (Step("int8_static_ort"), *remainder), "openvino")
    yield Idea(2, (Step("int8_static_nncf", {"preset": "mixed"}), *remainder), "openvino")
    yield Idea(2, (Step("int8_static_ort", {"calibration": "entropy"}),), "onnxruntime")
    yield Idea(2, (*remainder,), "openvino", torch_steps=(PRUNE_30,))
    yield Idea(2, (NNCF_FULL, *remainder), "openvino", torch_steps=(PRUNE_30,))
    if bf16:
        yield Idea(2, _steps("bf16"), "pytorch", exported=False)
    yield Idea(2, _steps("int8_dynamic"), "onnxruntime")
    yield Idea(2, (Step("prune_magnitude", {"amount": 0.5}),), "onnxruntime")


def _deep(bf16: bool) -> Iterator[Idea]:
    remainder = _steps("bf16") if bf16 else ()
    first_last = {"keep_float": "first_last"}
    yield Idea(3, (Step("int8_static_ort", {"calibration": "percentile"}),), "onnxruntime")
    yield Idea(3, (Step("int8_static_ort", first_last),), "onnxruntime")
    yield Idea(3, (Step("int8_static_ort", first_last), *remainder), "openvino")
    yield Idea(3, (Step("convert_openvino", {"compress_to_fp16": True}), *remainder), "openvino")
    yield Idea(3, _steps("int8_static_ort"), "onnxruntime", torch_steps=(PRUNE_30,))
    yield Idea(3, remainder, "openvino", torch_steps=(PRUNE_50,))
    yield Idea(3, (NNCF_FULL, *remainder), "openvino", torch_steps=(PRUNE_50,))
    yield Idea(3, (Step("prune_magnitude", {"amount": 0.5, "scope": "global"}),), "onnxruntime")
    yield Idea(3, _steps("prune_magnitude", "int8_static_ort"), "onnxruntime")


def _opened(ideas: Sequence[Idea], model: SourceModel) -> Iterator[Idea]:
    """Yield ideas behind the passes that open their way, by these passes' own word.

    Where such a pass changes what the model is good for, an idea is tried without it first.
    """
    openers = (
        [each for each in passes().values() if isinstance(each, Opener)] if model.format == "onnx" else []
    )
    found = [(each.alone, step) for each in openers if (step := each.opens(model))]
    always = tuple(step for alone, step in found if alone)
    sometimes = tuple(step for alone, step in found if not alone)
    for idea in ideas:
        first = (*always, *idea.torch_steps)
        yield replace(idea, torch_steps=first)
        if sometimes and idea.level == 1 and idea.exported:
            yield replace(idea, torch_steps=(*sometimes, *first))
    if always:  # what remains where such a pass refuses the model
        yield Idea(1, _steps("optimize_onnx"), "onnxruntime")


def _recipe(idea: Idea, model: SourceModel, target: Target) -> Recipe | None:
    is_onnx = model.format == "onnx"
    if not idea.exported:
        if model.format not in ("state_dict", "pt2"):
            return None
        # A state dict is no file that runs by itself; exported, its kit needs no code of the network.
        first = ("export_pt2",) if (model.format, target.runtime_id) == ("state_dict", "pytorch") else ()
        return Recipe((*_steps(*first), *idea.steps), target)
    if is_onnx:
        return Recipe((*idea.torch_steps, *idea.steps), target)
    export = Step("export_onnx")
    if model.format == "torchscript":
        return Recipe((export, *idea.torch_steps, *idea.steps), target)
    return Recipe((*idea.torch_steps, export, *idea.steps), target)


def baseline(model: SourceModel, threads: int, batch: int) -> Recipe:
    """Return the model as its owner runs it today."""
    return Recipe((), Target(BASELINE_RUNTIME[model.format], "cpu", threads, batch))


def recipes(
    preset: str,
    model: SourceModel,
    environment: Environment,
    runtimes: Sequence[str],
    threads: int = 1,
    batch: int = 1,
) -> list[Recipe]:
    """Return the recipes that `preset` tries, in order, without the baseline.

    Args:
        preset: ``quick``, ``balanced`` or ``thorough``.
        model: Its format and task choose the techniques.
        environment: Its instruction sets choose the precisions.
        runtimes: Ids of the runtimes to use.
        threads: Threads of every target.
        batch: Batch of every target.

    Raises:
        InvalidRequest: There is no such preset.
    """
    if preset not in PRESETS:
        raise InvalidRequest(f"There is no preset {preset!r}.", hint=f"Choose one of: {', '.join(PRESETS)}.")
    bf16 = any(name in environment.isa for name in BF16)
    likely = _convolutional if _sees(model) else _matmul
    ideas = [*_cheap(bf16), *likely(bf16), *_wider(bf16), *_deep(bf16)]
    chosen = [
        idea for idea in _opened(ideas, model) if idea.level <= PRESETS[preset] and idea.runtime in runtimes
    ]
    target = Target("", "cpu", threads, batch)
    made = [_recipe(idea, model, replace(target, runtime_id=idea.runtime)) for idea in chosen]
    unique = dict.fromkeys(_key(recipe) for recipe in made if recipe is not None)
    by_key = {_key(recipe): recipe for recipe in reversed(made) if recipe is not None}
    return [by_key[key] for key in unique if by_key[key] != baseline(model, threads, batch)]


def _sees(model: SourceModel) -> bool:
    """Whether images go in and no texts: rank 4 is also that of the keys and values of past tokens."""
    tokens = any(spec.dtype.startswith("int") and len(spec.shape) == 2 for spec in model.inputs)
    return not tokens and any(len(spec.shape) >= 4 for spec in model.inputs)


def _key(recipe: Recipe) -> str:
    steps = ";".join(f"{step.pass_id}{sorted(step.params.items())}" for step in recipe.steps)
    return f"{steps}@{recipe.target}"
