from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.errors import PassNotApplicable
from core.graphs.torch.modules import load_exported
from core.passes.quantization.int8_dynamic_torch import PASS, _product
from tests.passes.conftest import Sample, answer, apply, context, noise_db


def test_linear_layers_multiply_integers_and_stay_close(networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks["bert"]
    built = apply("int8_dynamic_torch", sample, "pt2", tmp_path, smallest=1000)
    assert built.details["quantized"] >= 6
    called = {str(node.target) for node in load_exported(built.path).graph.nodes}
    assert any("_int_mm" in each for each in called)
    expected, found = (answer(each, sample.model, 3) for each in (sample.artifacts["pt2"], built))
    assert noise_db(expected, found) > 25
    held = load_exported(built.path).state_dict.values()
    assert sum(each.numel() for each in held if each.dtype is torch.int8) > 10_000


@pytest.mark.parametrize("bias", [True, False])
def test_a_product_is_the_layers_own_on_whole_numbers(bias: bool) -> None:
    """Where both largest magnitudes are 127 nothing is rounded."""
    torch.manual_seed(0)
    weight, x = torch.randint(-127, 128, (5, 8)).float(), torch.randint(-127, 128, (2, 3, 8)).float()
    weight[:, 0], x[..., 0] = 127, -127
    added = torch.randn(5) if bias else None
    found = _product(x, weight.to(torch.int8).t().contiguous(), torch.ones(5), added)
    torch.testing.assert_close(found, torch.nn.functional.linear(x, weight, added))


def test_a_network_of_convolutions_is_refused_with_the_share(resnet: Sample, tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable, match="Matrix products hold 0% of the weights"):
        PASS.run(context(resnet.model, tmp_path), resnet.artifacts["pt2"], PASS.Params())
