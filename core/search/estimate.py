"""How long a run will probably take, before it starts."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step

# Seconds for a small model on two cores, imports of the libraries included; and seconds per 10^9
# multiply-accumulates, for passes that run the model over calibration data or compare outputs.
BUILD_S = {
    "export_onnx": (6.0, 2.0),
    "export_pt2": (5.0, 1.0),
    "export_torchscript": (5.0, 1.0),
    "optimize_onnx": (1.5, 0.5),
    "int8_dynamic": (2.0, 0.5),
    "int8_static_ort": (3.5, 3.0),
    "int8_static_nncf": (4.5, 2.5),
    "int8_weights_nncf": (3.0, 0.5),
    "prune_channels": (6.0, 2.0),
}
OTHER_BUILD_S = (1.0, 0.3)
MEASURE_S = (3.5, 2.5)
TORCH_RUNTIMES = ("pytorch", "torchscript")
TORCH_START_S = 1.5


def _prefixes(recipe: Recipe) -> list[tuple[Step, ...]]:
    return [recipe.steps[: end + 1] for end in range(len(recipe.steps))]


def _build_s(step: Step, giga_macs: float) -> float:
    base, slope = BUILD_S.get(step.pass_id, OTHER_BUILD_S)
    return base + slope * giga_macs


def measure_s(recipe: Recipe, model: SourceModel, torch_baseline: bool) -> float:
    """Return the expected seconds to measure `recipe` against the baseline."""
    base, slope = MEASURE_S
    starts = torch_baseline + (recipe.target.runtime_id in TORCH_RUNTIMES)
    return base + slope * (model.macs or 0) / 1e9 + TORCH_START_S * starts


def estimate_s(recipes: Sequence[Recipe], model: SourceModel) -> float:
    """Return the expected seconds to build and measure all `recipes`; a shared prefix counts once.

    Args:
        recipes: In the order they will run, the baseline among them.
        model: Its multiply-accumulates scale the expectation.
    """
    giga_macs = (model.macs or 0) / 1e9
    built = {repr(prefix): prefix[-1] for recipe in recipes for prefix in _prefixes(recipe)}
    building = sum(_build_s(step, giga_macs) for step in built.values())
    torch_baseline = model.format != "onnx"
    return building + sum(measure_s(recipe, model, torch_baseline) for recipe in recipes)
