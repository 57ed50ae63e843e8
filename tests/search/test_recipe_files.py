"""Recipes as YAML files: they come back as they were, and what is no recipe is refused with its place."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from core.domain.recipe import Step
from core.errors import InvalidRequest, TooLarge
from core.search.presets import recipes
from core.search.recipe_files import LARGEST, dump, fitted, load, read, schema
from core.search.spelling import parse, spell
from tests.search.test_recipes_of_presets import MACHINES, RUNTIMES, models

GOOD = "steps:\n- pass: prune_channels\n  params: {ratio: 0.4}\n- pass: int8_static_nncf\nruntime: openvino\n"


@pytest.mark.parametrize("name", models())
def test_all_recipes_of_presets_come_back_and_follow_the_schema(name: str) -> None:
    model, validator = models()[name], jsonschema.Draft202012Validator(schema())
    for each in recipes("thorough", model, MACHINES["bf16"], RUNTIMES, threads=2):
        text = dump(each)
        assert fitted(load(text, threads=2), model) == each, spell(each)
        validator.validate(yaml.safe_load(text))
        filled = dump(each, filled=True)
        assert dump(load(filled), filled=True) == filled
        validator.validate(yaml.safe_load(filled))


def test_the_recipe_of_one_model_runs_on_another() -> None:
    text = dump(parse("prune_channels:ratio=0.4+export_onnx+int8_static_ort@onnxruntime"))
    assert "export_onnx" not in text
    assert spell(fitted(load(text), models()["onnx-vision"])) == (
        "prune_channels:ratio=0.4+int8_static_ort@onnxruntime"
    )
    assert "export_onnx" in spell(fitted(load(text), models()["state_dict-vision"]))


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    found = read(tmp_path / "mine.yaml", threads=3)
    assert found.steps == (Step("prune_channels", {"ratio": 0.4}), Step("int8_static_nncf"))
    assert (found.target.runtime_id, found.target.threads) == ("openvino", 3)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("0.4", "4"), r"line 3 \(steps\[0\]\.params\.ratio\): ratio is 4"),
        (GOOD.replace("0.4", "much"), r"line 3 \(steps\[0\]\.params\.ratio\): .*wrong type"),
        (GOOD.replace("ratio", "share"), r"line 3 \(steps\[0\]\.params\): Unknown parameter: share"),
        (GOOD.replace("int8_static_nncf", "magic"), r"line 4 \(steps\[1\]\.pass\): .*magic"),
        (GOOD.replace("openvino", "abacus"), r"line 5 \(runtime\): .*abacus"),
        (GOOD.replace("runtime:", "engine:"), "engine"),
        (GOOD.replace("- pass: int8_static_nncf", "- 7"), r"line 4 \(steps\[1\]\)"),
        (GOOD + "runtime: openvino\n", "stated twice"),
        ("steps: [\n", "line 2"),
        ("", "object"),
        ("just a text", "object"),
        ("a: &a [1, 2]\nb: *a\n", "line 2: references"),
        ("runtime: !!python/object/apply:os.system ['true']\n", "line 1: could not determine a constructor"),
        ("[" * 5000, "YAML"),
        ("runtime: \x00", "YAML"),
        ("runtime: openvino\nsteps: [" + "{pass: bf16}," * 20 + "]", "more than 16 steps"),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        load(text)
    assert caught.value.hint


def test_references_do_not_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 30)]
    with pytest.raises(InvalidRequest, match="references"):
        load("\n".join(lines))


def test_a_file_larger_than_any_recipe_is_not_parsed() -> None:
    with pytest.raises(TooLarge):
        load("#" * (LARGEST + 1))


def test_the_schema_states_ranges() -> None:
    steps = schema()["properties"]["steps"]["items"]["oneOf"]
    pruning = next(each for each in steps if each["properties"]["pass"]["const"] == "prune_channels")
    ratio = pruning["properties"]["params"]["properties"]["ratio"]
    assert (ratio["minimum"], ratio["maximum"], ratio["default"]) == (0.05, 0.9, 0.3)
