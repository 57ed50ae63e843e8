from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import PassNotApplicable
from core.graphs.torch.modules import is_quantized, open_module
from tests.passes.conftest import Sample, answer, apply, noise_db


def test_all_layers_in_eight_bits_a_quarter_of_the_size_and_close(resnet: Sample, tmp_path: Path) -> None:
    built = apply("int8_static_torch", resnet, "pt2", tmp_path)
    assert is_quantized(open_module(built, resnet.model))
    assert built.details["quantized"] >= 8
    assert built.path.stat().st_size < 0.6 * resnet.artifacts["pt2"].path.stat().st_size
    for batch in (1, 8):
        expected, found = (answer(each, resnet.model, batch) for each in (resnet.artifacts["pt2"], built))
        assert noise_db(expected, found) > 20


@pytest.mark.parametrize("name", ["cnn", "bert", "two"])
def test_networks_of_other_kinds(name: str, networks: dict[str, Sample], tmp_path: Path) -> None:
    sample = networks[name]
    built = apply("int8_static_torch", sample, "pt2", tmp_path)
    assert noise_db(answer(sample.artifacts["pt2"], sample.model, 4), answer(built, sample.model, 4)) > 15


def test_what_is_in_eight_bits_already_is_refused(resnet: Sample, tmp_path: Path) -> None:
    built = apply("int8_static_torch", resnet, "pt2", tmp_path / "one")
    with pytest.raises(PassNotApplicable):
        apply("int8_static_torch", Sample(resnet.model, {"pt2": built}), "pt2", tmp_path / "two")
