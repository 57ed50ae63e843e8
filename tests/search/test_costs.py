"""The cost model of builds: the passes' own estimates, corrected by builds that the store keeps."""

from __future__ import annotations

from math import exp, log
from random import Random
from statistics import fmean

import pytest

from core.domain.events import Build, EventKind
from core.domain.run import RunRequest
from core.registry import get_pass, passes
from core.search.costs import BuildCosts
from core.search.estimate import estimate_s
from core.search.spelling import parse
from core.store.store import Store
from tests.factories import candidate, model

SIZES = (0.01, 0.04, 0.5, 4.0)
SLOW = {"int8_static_nncf": 3.0, "export_onnx": 0.5}
RECIPE = parse("export_onnx+int8_static_nncf@openvino")


def stated(pass_id: str, size: float) -> float:
    base, slope = get_pass(pass_id).build_s
    return base + slope * size


def true_s(pass_id: str, size: float) -> float:
    """Return the seconds on a slow machine, on which large models cost even more than is stated."""
    return 2.0 * SLOW.get(pass_id, 1.0) * stated(pass_id, size) * (1 + size) ** 0.3


def builds(count: int, seed: int = 0) -> list[Build]:
    rng, names = Random(seed), sorted(passes())
    drawn = [(names[index % len(names)], rng.choice(SIZES)) for index in range(count)]
    return [Build(name, size, true_s(name, size) * exp(rng.gauss(0, 0.2))) for name, size in drawn]


def error(costs: BuildCosts) -> float:
    """Return the mean factor by which estimates are off, over all passes and sizes, as its logarithm."""
    pairs = [(name, size) for name in passes() for size in SIZES]
    return fmean(abs(log(costs.seconds(*pair) / true_s(*pair))) for pair in pairs)


def test_without_builds_the_passes_own_estimates_hold() -> None:
    for name in passes():
        assert BuildCosts().seconds(name, 0.5) == pytest.approx(stated(name, 0.5))


def test_estimates_get_better_with_every_few_builds() -> None:
    errors = [error(BuildCosts(builds(count))) for count in (0, 8, 40, 200)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.7
    assert errors[-1] < 0.25


def test_a_pass_that_was_never_built_gets_the_speed_of_the_machine() -> None:
    seen = [Build("fp16", 0.1, 4 * stated("fp16", 0.1))] * 20
    assert 3 < BuildCosts(seen).seconds("export_onnx", 0.1) / stated("export_onnx", 0.1) < 4


def test_one_odd_build_moves_little() -> None:
    odd = BuildCosts([Build("fp16", 0.1, 1e6)])
    assert odd.seconds("export_onnx", 0.1) < 2 * stated("export_onnx", 0.1)
    assert odd.seconds("fp16", 0.1) < 10 * stated("fp16", 0.1)


def test_builds_on_models_of_like_size_count_most() -> None:
    small, large = (
        Build("fp16", size, factor * stated("fp16", size)) for size, factor in ((0.02, 1), (20, 8))
    )
    costs = BuildCosts([small, large] * 10)
    assert costs.seconds("fp16", 0.02) < 2 * stated("fp16", 0.02)
    assert costs.seconds("fp16", 20) > 4 * stated("fp16", 20)


def test_the_builds_in_the_store_move_the_estimate_of_the_next_run(data_dir: object) -> None:
    network = model("pt2", macs=500_000_000)
    truth = estimate_s([RECIPE], network) + sum(
        true_s(step.pass_id, 0.5) - stated(step.pass_id, 0.5) for step in RECIPE.steps
    )
    with Store() as store:
        store.models.add(network)
        store.runs.create(RunRequest("m"), "a run", [candidate("base", None, 0)], 60.0)
        assert store.events.builds() == ()
        seen = builds(4 * len(passes()))
        for each in seen:
            data = {"step": each.pass_id, "giga_macs": each.giga_macs}
            store.events.append("run", EventKind.BUILT, "base", each.seconds, **data)
        store.events.append("run", EventKind.MEASURED, "base", 1.0, speedup=1.0)
        kept = store.events.builds()
        assert kept == tuple(reversed(seen))
        assert len(store.events.builds(5)) == 5
    before, after = (estimate_s([RECIPE], network, costs=BuildCosts(known)) for known in ((), kept))
    assert abs(after - truth) < 0.4 * abs(before - truth)
