"""ai-edge-quantizer's passes on LiteRT files: several inputs, their order, integers at the ends."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.domain.recipe import Target
from core.errors import PassNotApplicable
from core.examples import example_feed
from core.graphs.tflite.interpreter import Runner, open_file
from core.graphs.tflite.layers import layers_of, read
from core.passes.quantization.litert_quantize import require_quantizer
from core.protocols import LocalArtifact
from core.registry import get_runtime
from tests.passes import zoo
from tests.passes.conftest import Sample, answer, apply, artifact, noise_db
from tests.runtimes.tflite import Builder, packed, pictures

PASSES = ("fp16_litert", "int8_dynamic_litert", "int8_static_litert")


def sample(folder: Path, order: tuple[int, int] = (0, 1), signature: bool = True) -> Sample:
    """Return a network of a picture and a whole number, with two outputs."""
    made = pictures(order)
    if not signature:
        made.signatureDefs = []
    path = folder / "model.tflite"
    path.write_bytes(packed(made))
    model = zoo.source(
        {"args_0": ("float32", (1, 8, 8, 3)), "args_1": ("int32", (1,))},
        {"output_0": ("float32", (1, 8, 8, 4)), "output_1": ("float32", (1, 6))},
        "tflite",
    )
    return Sample(model, {"tflite": artifact("tflite", path)})


@pytest.mark.parametrize(("name", "least_db"), zip(PASSES, (60, 30, 20), strict=True))
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_inputs_and_outputs_keep_their_order(
    name: str, least_db: float, order: tuple[int, int], tmp_path: Path
) -> None:
    given = sample(tmp_path, order)
    built = apply(name, given, "tflite", tmp_path / "out")
    before, after = (answer(each, given.model) for each in (given.artifacts["tflite"], built))
    assert [each.shape for each in after] == [(1, 8, 8, 4), (1, 6)]
    assert noise_db(before[:1], after[:1]) > least_db
    assert noise_db(before[1:], after[1:]) > least_db


@pytest.mark.parametrize("name", PASSES[1:])
def test_a_file_without_a_signature_is_quantized_too(name: str, tmp_path: Path) -> None:
    given = sample(tmp_path, signature=False)
    built = apply(name, given, "tflite", tmp_path / "out")
    assert built.details["quantized"] == 1
    assert noise_db(*(answer(each, given.model) for each in (given.artifacts["tflite"], built))) > 20


def test_integers_at_the_ends_are_scaled_by_the_runtime_and_the_kit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = sample(tmp_path)
    built = apply("int8_static_litert", given, "tflite", tmp_path / "out", integer_ends=True)
    runner = Runner(open_file(built.path, 1))
    assert [port.dtype for port in runner.inputs] == [np.int8, np.int32]
    assert runner.outputs[0].dtype == np.int8
    expected = answer(given.artifacts["tflite"], given.model)
    feed = example_feed(given.model)
    session = get_runtime("litert").open(built, Target("litert"), given.model)
    found = session.run(feed)
    assert [each.dtype for each in found] == [np.float32, np.float32]
    assert noise_db(expected, found) > 20
    for ours, theirs in zip(found, _from_kit(built, given, feed, tmp_path / "kit", monkeypatch), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def _from_kit(
    built: LocalArtifact, given: Sample, feed: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Any]:
    """Return what the kit's own file makes of a feed."""
    import json

    folder.mkdir()
    shutil.copy(built.path, folder / "model.tflite")
    manifest = {
        "model": "model.tflite",
        "threads": 1,
        "options": built.options,
        "inputs": [spec.name for spec in given.model.inputs],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "session.py").write_text(get_runtime("litert").kit_session())
    scope: dict[str, Any] = {"__file__": str(folder / "session.py")}
    exec(compile(get_runtime("litert").kit_session(), "session.py", "exec"), scope)
    found: list[Any] = scope["load"]()(feed)
    return found


def test_channels_may_be_last_in_the_file_and_first_in_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = sample(tmp_path)
    turned = zoo.source(
        {"args_0": ("float32", (1, 3, 8, 8)), "args_1": ("int32", (1,))},
        {"output_0": ("float32", (1, 8, 8, 4)), "output_1": ("float32", (1, 6))},
        "tflite",
    )
    file = LocalArtifact("tflite", given.artifacts["tflite"].path, (), {"channels_last": [0]})
    feed = example_feed(turned)
    session = get_runtime("litert").open(file, Target("litert"), turned)
    plain = get_runtime("litert").open(given.artifacts["tflite"], Target("litert"), given.model)
    found = session.run(feed)
    expected = plain.run({**feed, "args_0": np.moveaxis(feed["args_0"], 1, -1)})
    np.testing.assert_array_equal(found[0], expected[0])
    kit = _from_kit(file, Sample(turned, {}), feed, tmp_path / "kit", monkeypatch)
    np.testing.assert_allclose(kit[0], found[0], atol=1e-6)
    quantized = apply("int8_static_litert", Sample(turned, {"tflite": file}), "tflite", tmp_path / "out")
    assert quantized.options == {"channels_last": [0]}
    assert quantized.details["difference"] < 0.1


def test_what_is_in_8_bits_already_is_refused(tmp_path: Path) -> None:
    given = sample(tmp_path)
    built = apply("int8_static_litert", given, "tflite", tmp_path / "out")
    again = Sample(given.model, {"tflite": built})
    for name in PASSES:
        with pytest.raises(PassNotApplicable, match="8 bits already"):
            apply(name, again, "tflite", tmp_path / name)


def test_ends_may_stay_in_float(tmp_path: Path, graphs: dict[str, Sample]) -> None:
    given = graphs["perceptron"]
    built = apply("int8_dynamic_litert", given, "tflite", tmp_path / "out", keep_float="first_last")
    layers = layers_of(read(built.path))
    assert [layer.quantized for layer in layers] == [False, True, False]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.passes.quantization.litert_quantize.LIBRARY", "no_such_library")
    with pytest.raises(PassNotApplicable, match="not installed") as caught:
        require_quantizer()
    assert "pip install no-such-library" in caught.value.hint


def test_a_bias_of_four_axes_is_flattened_for_its_scales(tmp_path: Path) -> None:
    made = Builder()
    generator = np.random.default_rng(0)
    image, bigger = made.tensor("image", [1, 4, 4, 6]), made.tensor("bigger", [1, 8, 8, 3])
    size = made.constant(np.array([1, 8, 8, 3], np.int32))
    kernel = made.constant(generator.standard_normal((3, 2, 2, 6)).astype(np.float32))
    bias = made.constant(generator.standard_normal((1, 1, 1, 3)).astype(np.float32))
    options = {"padding": 0, "strideW": 2, "strideH": 2}
    made.operator(67, [size, kernel, image, bias], bigger, "TransposeConvOptions", **options)
    path = tmp_path / "model.tflite"
    path.write_bytes(packed(made.model([image], [bigger])))
    model = zoo.source(
        {"args_0": ("float32", (1, 4, 4, 6))}, {"output_0": ("float32", (1, 8, 8, 3))}, "tflite"
    )
    given = Sample(model, {"tflite": artifact("tflite", path)})
    built = apply("int8_static_litert", given, "tflite", tmp_path / "out")
    assert noise_db(answer(given.artifacts["tflite"], model), answer(built, model)) > 20
