from __future__ import annotations

import pytest

from core.architectures import build, identify
from core.errors import UnsupportedModel
from sample_models.plans import PLANS


def shapes(index: int) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in build(PLANS[index].architecture).state_dict().items()}


@pytest.mark.parametrize("index", range(len(PLANS)), ids=[plan.id for plan in PLANS])
def test_sample_networks_are_recognised(index: int) -> None:
    assert identify(shapes(index)) == PLANS[index].architecture


def test_the_transformer_takes_whole_numbers() -> None:
    found = identify(shapes(1), "token_transformer")
    assert (found.input_dtype, found.values, found.input_shape) == ("int64", 17, (64,))


def test_a_cut_layer_is_named() -> None:
    cut = {key: shape for key, shape in shapes(1).items() if key != "layers.1.up.bias"}
    with pytest.raises(UnsupportedModel, match=r"token_transformer, 1 keys .*layers.1.up.bias is missing"):
        identify(cut)
    with pytest.raises(UnsupportedModel, match="not of tabular_mlp"):
        identify(cut, "tabular_mlp")
