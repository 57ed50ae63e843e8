from __future__ import annotations

from core.domain.profile import LayerProfile, Profile
from core.domain.structure import Layer, Structure
from core.views.layer_times import layer_times
from tests.factories import ENVIRONMENT


def test_a_step_counts_for_the_layer_with_the_most_macs_that_it_covers() -> None:
    layers = (
        Layer("conv", "Conv", ("stem", "0"), (1, 4), 10, 100),
        Layer("relu", "Relu", ("stem", "0"), (1, 4)),
        Layer("gemm", "Gemm", ("head",), (1, 2), 8, 8),
    )
    steps = (
        LayerProfile("a", "Convolution", 0.5, nodes=("conv", "relu")),
        LayerProfile("b", "Reorder", 0.25, nodes=("relu",)),
        LayerProfile("c", "aten::linear", 0.125, module="head"),
        LayerProfile("d", "unknown", 1.0, nodes=("elsewhere",)),
    )
    profile = Profile("openvino", steps, 2.0, 2.1, 1, 1, 10, ENVIRONMENT)
    assert layer_times(Structure(layers), profile) == {"conv": 0.5, "relu": 0.25, "gemm": 0.125}
