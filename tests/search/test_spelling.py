"""Recipes as text and back."""

from __future__ import annotations

import pytest

from core.domain.recipe import Recipe, Step, Target
from core.errors import InvalidRequest
from core.registry import runtimes
from core.search.presets import recipes
from core.search.spelling import parse, parse_strategy, spell, spell_strategy
from tests.factories import ENVIRONMENT, model


def test_a_recipe_reads_as_it_is_written() -> None:
    text = "export_onnx+int8_static_nncf:fast_bias_correction=false@openvino"
    steps = (Step("export_onnx"), Step("int8_static_nncf", {"fast_bias_correction": False}))
    assert parse(text, 2, 4) == Recipe(steps, Target("openvino", "cpu", 2, 4))
    assert spell(parse(text)) == text


def test_every_recipe_of_the_presets_survives_the_round_trip() -> None:
    for recipe in recipes("thorough", model(), ENVIRONMENT, tuple(runtimes())):
        assert parse(spell(recipe)) == recipe


def test_the_bare_upload_on_a_runtime() -> None:
    assert parse("@onnxruntime") == Recipe((), Target("onnxruntime"))


def test_a_strategy_reads_as_it_is_written() -> None:
    assert parse_strategy("search:most=3") == ("search", {"most": 3})
    assert spell_strategy("search", {"most": 3}) == "search:most=3"
    assert parse_strategy("") == ("", {})
    for text, part in (("guess", "no strategy named"), ("search:most=0", "most is 0"), ("search:m=1", "m")):
        with pytest.raises(InvalidRequest, match=part):
            parse_strategy(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("export_onnx", "names no runtime"),
        ("export_onnx@", "names no runtime"),
        ("export_onnx@warp", "no runtime named 'warp'"),
        ("melt@onnxruntime", "no technique named 'melt'"),
        ("int8_static_ort:samples@onnxruntime", "parameter without a value"),
        ("int8_static_ort:colour=3@onnxruntime", "Unknown parameter"),
        ("prune_magnitude:amount=NaN@onnxruntime", "amount is nan"),
        pytest.param("prune_magnitude:amount=" + "9" * 5000 + "@onnxruntime", "wrong type", id="long"),
        pytest.param("prune_magnitude:amount=" + "[" * 99999 + "@onnxruntime", "wrong type", id="deep"),
        pytest.param("export_onnx+" * 5000 + "@onnxruntime", "more than 16 steps", id="many"),
    ],
)
def test_what_cannot_be_read_is_refused_clearly(text: str, part: str) -> None:
    with pytest.raises(InvalidRequest, match=part):
        parse(text)
