"""Presets: what is tried for which model on which machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.model import TensorSpec
from core.domain.recipe import Recipe
from core.errors import InvalidRequest
from core.registry import get_pass, get_runtime, runtimes
from core.search.names import recipe_name
from core.search.presets import PRESETS, baseline, recipes
from tests.factories import ENVIRONMENT, model

ALL = tuple(key for key, each in runtimes().items() if not each.asked_for)
FORMATS = ("onnx", "pt2", "state_dict", "torchscript")


def formats(recipe: Recipe, start: str) -> str:
    """Return the format a recipe ends in, checking each step on the way."""
    for step in recipe.steps:
        technique = get_pass(step.pass_id)
        assert start in technique.accepts, f"{step.pass_id} does not take {start}"
        start = technique.produces[start]
    return start


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_recipe_fits_together_from_source_to_runtime(preset: str, format_: str) -> None:
    found = recipes(preset, model(format_), ENVIRONMENT, ALL)
    assert found
    for recipe in found:
        assert formats(recipe, format_) in get_runtime(recipe.target.runtime_id).formats


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("format_", FORMATS)
def test_quick_tries_about_eight_and_each_preset_more(format_: str, rank: int) -> None:
    counts = [len(recipes(preset, model(format_, rank), ENVIRONMENT, ALL)) for preset in PRESETS]
    assert 6 <= counts[0] <= 9
    assert counts == sorted(set(counts))


def test_no_recipe_is_tried_twice_and_names_tell_them_apart() -> None:
    names = [recipe_name(recipe) for recipe in recipes("thorough", model(), ENVIRONMENT, ALL)]
    assert len(names) == len(set(names)), sorted(names)


def test_a_language_model_with_a_cache_is_no_convolutional_network() -> None:
    tokens = TensorSpec("input_ids", "int64", ("batch", "seq"), high=1000)
    keys = TensorSpec("past_key_values.0.key", "float32", ("batch", 4, "past", 32))
    found = recipes("quick", model("onnx", inputs=(tokens, keys)), ENVIRONMENT, ALL)
    steps = {step.pass_id for recipe in found for step in recipe.steps}
    assert {"int8_dynamic", "int8_weights_nncf"} <= steps
    assert "int8_weights_nncf" not in {
        step.pass_id for recipe in recipes("quick", model("onnx"), ENVIRONMENT, ALL) for step in recipe.steps
    }


def test_a_model_in_double_precision_is_turned_to_single_first() -> None:
    found = recipes("quick", replace(model("onnx"), precision="FP64"), ENVIRONMENT, ALL)
    first = [recipe.steps[0].pass_id for recipe in found]
    assert set(first[:-1]) == {"double_to_float"}
    assert first[-1] == "optimize_onnx"
    assert not any(
        step.pass_id == "double_to_float"
        for recipe in recipes("quick", model("onnx"), ENVIRONMENT, ALL)
        for step in recipe.steps
    )


@pytest.mark.parametrize("format", ["pt2", "state_dict", "torchscript"])
def test_double_precision_is_turned_to_single_behind_the_export_too(format: str) -> None:
    found = recipes("quick", replace(model(format), precision="FP64"), ENVIRONMENT, ALL)
    compiled = [each for each in found if each.target.runtime_id == "openvino"]
    assert compiled
    assert all(
        [step.pass_id for step in each.steps][:2] == ["export_onnx", "double_to_float"] for each in compiled
    )


def test_an_input_that_chooses_a_way_is_fixed_beside_the_free_one() -> None:
    rate = TensorSpec("sr", "int64", (), compared=(16000,))
    plain = model("onnx")
    found = recipes("quick", replace(plain, inputs=(*plain.inputs, rate)), ENVIRONMENT, ALL)
    steps = [recipe.steps for recipe in found]
    fixed = [each[1:] for each in steps if each[:1] and each[0].pass_id == "fix_inputs"]
    free = [each for each in steps if not each[:1] or each[0].pass_id != "fix_inputs"]
    assert fixed == free


def test_a_processor_without_bf16_gets_no_bf16() -> None:
    old = replace(ENVIRONMENT, isa=("avx2",))
    steps = [step.pass_id for recipe in recipes("thorough", model(), old, ALL) for step in recipe.steps]
    assert "bf16" not in steps
    assert "int8_static_nncf" in steps


def test_what_takes_longest_to_build_comes_after_the_cheap_ones_of_its_level() -> None:
    """A short budget ends in the middle of it."""
    names = [recipe_name(recipe) for recipe in recipes("quick", model(), ENVIRONMENT, ALL)]
    slow = next(index for index, name in enumerate(names) if "full bias correction" in name)
    assert slow > max(names.index("FP32 · ONNX Runtime"), names.index("FP32 · OpenVINO"))


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("format_", FORMATS)
def test_cheap_conversions_come_before_anything_that_is_calibrated(format_: str, rank: int) -> None:
    """A budget of half a minute has an answer without loss in it."""
    found = recipes("quick", model(format_, rank), ENVIRONMENT, ALL)
    assert [recipe_name(recipe) for recipe in found[:3]] == [
        "BF16 · OpenVINO",
        "FP32 · OpenVINO",
        "Graph optimization · ONNX Runtime" if format_ == "onnx" else "FP32 · ONNX Runtime",
    ]
    assert {step.pass_id for step in found[1].steps} <= {"export_onnx"}


def test_only_wanted_runtimes_and_the_asked_threads() -> None:
    found = recipes("thorough", model(), ENVIRONMENT, ("openvino",), threads=2, batch=4)
    assert {(each.target.runtime_id, each.target.threads, each.target.batch) for each in found} == {
        ("openvino", 2, 4)
    }


def test_the_baseline_is_the_owners_way_and_never_a_candidate() -> None:
    assert [baseline(model(name), 1, 1).target.runtime_id for name in FORMATS] == [
        "onnxruntime",
        "pytorch",
        "pytorch",
        "torchscript",
    ]
    for name in FORMATS:
        assert baseline(model(name), 1, 1) not in recipes("thorough", model(name), ENVIRONMENT, ALL)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no preset 'fast'"):
        recipes("fast", model(), ENVIRONMENT, ALL)


def test_a_recipe_that_changes_nothing_is_named_by_the_models_own_precision() -> None:
    made = baseline(model("onnx"), 1, 1)
    assert recipe_name(made, "INT8") == "INT8 · ONNX Runtime"
    assert recipe_name(made) == "FP32 · ONNX Runtime"


@pytest.mark.parametrize("format_", FORMATS)
def test_no_two_recipes_of_a_run_have_the_same_name(format_: str) -> None:
    """An ONNX upload whose graph was optimized had the name of its own baseline."""
    made = [baseline(model(format_), 1, 1), *recipes("thorough", model(format_), ENVIRONMENT, ALL)]
    names = [recipe_name(recipe) for recipe in made]
    assert len(set(names)) == len(names)


def test_runtimes_of_phones_come_in_balanced_behind_those_of_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.passes.conversion.export_litert.toolchain_ready", lambda _: True)
    phones = ("litert", "executorch", "ncnn")
    known = tuple(runtimes())

    def tried(preset: str, format_: str) -> list[str]:
        return [each.target.runtime_id for each in recipes(preset, model(format_), ENVIRONMENT, known)]

    assert not set(phones) & set(tried("quick", "pt2"))
    balanced = tried("balanced", "pt2")
    assert {"litert", "executorch"} <= set(balanced)
    assert "ncnn" not in tried("thorough", "pt2"), "nowhere measured was it the fastest or the smallest"
    assert "executorch" not in tried("balanced", "onnx")
    assert min(map(balanced.index, phones[:2])) > balanced.index("openvino")
