"""Times of layers, brought from calls with the profiler to calls without it."""

from __future__ import annotations

import pytest

from core.bench.profile.scaling import scaled
from core.domain.profile import LayerProfile


def layers(*ms: float) -> list[LayerProfile]:
    return [LayerProfile(f"layer {index}", "Conv", each) for index, each in enumerate(ms)]


def told(plain: list[float], profiled: list[float], *ms: float) -> list[float]:
    return [layer.ms for layer in scaled(layers(*ms), plain, profiled)]


def test_a_profiler_that_costs_nothing_changes_nothing() -> None:
    found = scaled(layers(2.0, 1.0), [4.0, 4.0], [4.0, 4.0])
    assert [layer.ms for layer in found] == pytest.approx([2.0, 1.0])
    assert [layer.share for layer in found] == pytest.approx([0.5, 0.25])


def test_what_a_profiler_costs_is_taken_off_all_layers_alike() -> None:
    assert told([4.0], [4.4], 2.2, 1.2) == pytest.approx([2.0, 1.0])


def test_no_layer_loses_more_than_the_shortest_has() -> None:
    assert told([4.0], [8.0], 2.0, 0.1) == pytest.approx([1.9, 0.0])


def test_layers_never_take_longer_than_the_call() -> None:
    assert sum(told([4.0], [4.0], 5.0, 3.0)) == pytest.approx(4.0)


def test_a_faster_moment_of_the_machine_is_made_up_for() -> None:
    assert told([4.0], [2.0], 1.0, 0.5) == pytest.approx([2.0, 1.0])


def test_a_disturbed_call_does_not_lengthen_the_layers() -> None:
    # The means of the layers hold one call of ten times the length, the medians do not.
    disturbed = [1.0] * 9 + [10.0]
    assert told([1.0], disturbed, 1.9) == pytest.approx([1.0])
