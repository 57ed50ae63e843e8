from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import PassNotApplicable
from core.passes.library_errors import size
from core.registry import get_pass
from tests.passes.conftest import Sample, answer, apply, context, noise_db

IDS = ("int4_weights_nncf", "nbits_weights_ort")


def noise(sample: Sample, pass_id: str, folder: Path, **values: object) -> float:
    built = apply(pass_id, sample, "onnx", folder, **values)
    return noise_db(answer(sample.artifacts["onnx"], sample.model, 3), answer(built, sample.model, 3))


@pytest.mark.parametrize("pass_id", IDS)
def test_a_transformer_is_stored_in_blocks_and_close(
    pass_id: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    sample = networks["bert"]
    built = apply(pass_id, sample, "onnx", tmp_path)
    assert built.details["quantized_ops"] == {"MatMul": 9}
    expected, found = (answer(each, sample.model, 3) for each in (sample.artifacts["onnx"], built))
    assert 8 < noise_db(expected, found) < 45


@pytest.mark.parametrize("pass_id", IDS)
def test_four_bits_take_an_eighth_and_the_scales(
    pass_id: str, graphs: dict[str, Sample], tmp_path: Path
) -> None:
    sample = graphs["products"]
    built = apply(pass_id, sample, "onnx", tmp_path)
    assert size(built) < 0.3 * size(sample.artifacts["onnx"])


def test_eight_bits_and_small_blocks_are_closer(graphs: dict[str, Sample], tmp_path: Path) -> None:
    about = (graphs["products"], "nbits_weights_ort")
    four = noise(*about, tmp_path / "4", block="256")
    small = noise(*about, tmp_path / "small", block="16")
    eight = noise(*about, tmp_path / "8", bits="8", integer=False)
    assert four < small < eight


@pytest.mark.parametrize("pass_id", IDS)
def test_a_network_of_convolutions_is_refused_with_the_shares(
    pass_id: str, resnet: Sample, tmp_path: Path
) -> None:
    chosen = get_pass(pass_id)
    with pytest.raises(PassNotApplicable, match=r"hold \d+% of the weights"):
        chosen.run(context(resnet.model, tmp_path), resnet.artifacts["onnx"], chosen.Params())
