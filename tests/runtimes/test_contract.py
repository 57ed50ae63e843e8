"""One suite for every runtime: what the engine relies on."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.optional import install_line
from core.protocols import Runtime
from core.protocols.availability import availability
from core.registry import runtimes
from tests.runtimes import networks
from tests.runtimes.conftest import Saved


def _marks(form: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if form in networks.TAKE_LONG else []


ELSEWHERE = {"coreml", "tensorflow", "tensorrt"}
"""What no machine of ours runs: its files are built, and it says what is lacking."""
IN_BROWSERS = {name for name, runtime in runtimes().items() if runtime.browser}
"""What has tests of its own, since it takes a browser."""
ALL = [
    pytest.param(runtime, id=name, marks=_marks(sorted(runtime.formats)[0]))
    for name, runtime in runtimes().items()
    if name not in ELSEWHERE | IN_BROWSERS
]
OPENED = [
    pytest.param(runtime, form, id=f"{name}-{form}", marks=_marks(form))
    for name, runtime in runtimes().items()
    if name not in ELSEWHERE | IN_BROWSERS
    for form in sorted(runtime.formats)
]
PROGRAMS = [each for each in OPENED if not each.id.endswith(("state_dict", "tflite", "ncnn"))]
"""What holds any network: a state dict lacks its code, and files of LiteRT and ncnn are written by hand."""


def target(runtime: Runtime, batch: int = 1) -> Target:
    return Target(runtime.id, threads=1, batch=batch)


def test_the_known_runtimes_are_found() -> None:
    here = {
        "pytorch",
        "torchscript",
        "onnxruntime",
        "openvino",
        "litert",
        "aotinductor",
        "ncnn",
        "executorch",
    }
    assert set(runtimes()) == here | ELSEWHERE | IN_BROWSERS
    assert set(networks.FORMATS) == set().union(*(runtimes()[name].formats for name in here))


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_runs_elsewhere_says_what_is_lacking_and_what_to_do(name: str) -> None:
    found = runtimes()[name].available()
    assert not found.ok
    assert found.reason.endswith(".")
    assert "verify.py" in found.reason, "nothing that is installed here would help"


@pytest.mark.parametrize("runtime", ALL)
def test_it_is_available_here_with_a_version(runtime: Runtime) -> None:
    found = runtime.available()
    assert found.ok
    assert found.version[0].isdigit()
    assert runtime.name


def test_an_absent_library_is_named_with_the_line_that_installs_it() -> None:
    found = availability(("no_such_runtime",))
    assert not found.ok
    assert "no_such_runtime" in found.reason
    assert found.install == install_line("no_such_runtime")


def test_listing_runtimes_imports_none_of_them() -> None:
    script = (
        "import sys; from core.registry import runtimes\n"
        "[runtime.available() for runtime in runtimes().values()]\n"
        "sys.exit(bool({'torch', 'onnxruntime', 'openvino'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


@pytest.mark.parametrize(("runtime", "form"), OPENED)
def test_it_returns_what_the_network_computes(runtime: Runtime, form: str, saved: Saved) -> None:
    module, model = networks.perceptron()
    session = runtime.open(saved("perceptron", form), target(runtime), model)
    for batch in (1, 5, 1):
        feed = networks.feed_of(model, batch)
        (output,) = session.run(feed)
        np.testing.assert_allclose(output, networks.expected(module, feed)[0], rtol=1e-4, atol=1e-5)
    session.close()


@pytest.mark.parametrize(("runtime", "form"), PROGRAMS)
def test_several_inputs_and_outputs_keep_their_order(runtime: Runtime, form: str, saved: Saved) -> None:
    module, model = networks.several()
    session = runtime.open(saved("several", form), target(runtime, 2), model)
    feed = networks.feed_of(model, 2)
    outputs = session.run(feed)
    for output, wanted in zip(outputs, networks.expected(module, feed), strict=True):
        assert isinstance(output, np.ndarray)
        np.testing.assert_allclose(output, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("runtime", "form"), OPENED)
def test_results_and_prepared_calls_outlive_other_calls(runtime: Runtime, form: str, saved: Saved) -> None:
    _, model = networks.perceptron()
    session = runtime.open(saved("perceptron", form), target(runtime), model)
    one, other = networks.feed_of(model, 1, seed=1), networks.feed_of(model, 1, seed=2)
    call = session.prepare(one)
    first = session.run(one)[0]
    kept = first.copy()
    session.run(other)
    call()
    np.testing.assert_array_equal(first, kept)
    assert not np.array_equal(session.run(other)[0], kept)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("runtime", "form"), OPENED)
def test_a_profile_tells_the_time_and_the_work_of_each_layer(
    runtime: Runtime, form: str, saved: Saved, threads: int
) -> None:
    _, model = networks.perceptron()
    if runtime.no_profile or form == "ort":
        reason = re.escape(runtime.no_profile) or "own format"
        with pytest.raises(RuntimeFailed, match=reason):
            runtime.open_profiled(saved("perceptron", form), target(runtime), model)
        return
    on = replace(target(runtime), threads=threads)
    session = runtime.open_profiled(saved("perceptron", form), on, model)
    call = session.prepare(networks.feed_of(model, 1))
    call()
    session.start()
    for _ in range(3):
        call()
    layers = session.layers()
    assert sum(layer.macs or 0 for layer in layers) == 6 * 16 + 16 * 4
    assert sum(layer.parameters or 0 for layer in layers) >= 6 * 16 + 16 * 4
    assert all(layer.ms >= 0 and layer.operator for layer in layers)
    assert len({layer.name for layer in layers}) == len(layers)
    assert {layer.precision for layer in layers if layer.macs} == {"FP32"}
    names = {layer.name for layer in layers}
    assert all(set(layer.inputs) <= names for layer in layers)
    if form in ("torchscript", "state_dict"):
        assert all(layer.module for layer in layers if layer.macs)


@pytest.mark.parametrize(("runtime", "form"), OPENED)
def test_values_between_layers_lead_to_the_output(runtime: Runtime, form: str, saved: Saved) -> None:
    module, model = networks.perceptron()
    if runtime.no_tensors:
        with pytest.raises(RuntimeFailed, match=re.escape(runtime.no_tensors)):
            runtime.open_tensors(saved("perceptron", form), target(runtime), model)
        return
    if form == "ort":
        with pytest.raises(RuntimeFailed, match="ONNX files only"):
            runtime.open_tensors(saved("perceptron", form), target(runtime), model)
        return
    session = runtime.open_tensors(saved("perceptron", form), target(runtime), model)
    feed = networks.feed_of(model, 1)
    places = [tensor.position for tensor in session.tensors]
    assert places == sorted(set(places))
    assert all(at < tensor.position for tensor in session.tensors for at in tensor.inputs)
    session.watch(session.tensors)
    values = session.run(feed)
    assert len(values) == len(session.tensors)
    np.testing.assert_allclose(values[-1], networks.expected(module, feed)[0], rtol=1e-4, atol=1e-5)
    assert any(value.shape == (1, 16) for value in values)
    session.watch(session.tensors[:1])
    np.testing.assert_array_equal(session.run(feed)[0], values[0])


@pytest.mark.parametrize("runtime", ALL)
def test_it_refuses_a_foreign_format(runtime: Runtime, saved: Saved) -> None:
    _, model = networks.perceptron()
    artifact = replace(saved("perceptron", sorted(runtime.formats)[0]), format="paper")
    with pytest.raises(RuntimeFailed, match="paper"):
        runtime.open(artifact, target(runtime), model)


@pytest.mark.parametrize("runtime", ALL)
def test_it_refuses_options_it_would_ignore(runtime: Runtime, saved: Saved) -> None:
    _, model = networks.perceptron()
    artifact = saved("perceptron", sorted(runtime.formats)[0])
    with pytest.raises(RuntimeFailed, match="colour"):
        runtime.open(replace(artifact, options={"colour": "red"}), target(runtime), model)
    with pytest.raises(RuntimeFailed, match="precision"):
        runtime.open(replace(artifact, options={"precision": "f2"}), target(runtime), model)


@pytest.mark.parametrize(("runtime", "form"), OPENED)
def test_a_broken_file_fails_in_the_runtimes_own_words(
    runtime: Runtime, form: str, saved: Saved, tmp_path: object
) -> None:
    _, model = networks.perceptron()
    artifact = saved("perceptron", form)
    broken = artifact.path.with_name(f"broken-{artifact.path.name}")
    broken.write_bytes(artifact.path.read_bytes()[: artifact.path.stat().st_size // 3])
    with pytest.raises(RuntimeFailed) as caught:
        runtime.open(replace(artifact, path=broken, files=(broken,)), target(runtime), model)
    assert runtime.name in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("runtime", ALL)
def test_a_feed_that_does_not_fit_is_refused(runtime: Runtime, saved: Saved) -> None:
    _, model = networks.perceptron()
    session = runtime.open(saved("perceptron", sorted(runtime.formats)[0]), target(runtime), model)
    with pytest.raises(RuntimeFailed):
        session.run({"features": np.zeros((1, 9), np.float32)})


@pytest.mark.parametrize("runtime", [each for each in ALL if each.id in ("pytorch", "openvino")])
def test_bfloat16_is_taken_only_when_asked_for(runtime: Runtime, saved: Saved) -> None:
    if not any("bf16" in flag for flag in _flags()):
        pytest.skip("the processor has no bfloat16")
    module, model = networks.perceptron()
    artifact = saved("perceptron", sorted(runtime.formats)[0])
    feed = networks.feed_of(model, 4)
    wanted = networks.expected(module, feed)[0]
    exact = runtime.open(artifact, target(runtime), model).run(feed)[0]
    rough = runtime.open(replace(artifact, options={"precision": "bf16"}), target(runtime), model).run(feed)[
        0
    ]
    assert abs(exact - wanted).max() < 1e-5
    assert rough.dtype == np.float32
    assert 1e-5 < abs(rough - wanted).max() < 0.1


def _flags() -> tuple[str, ...]:
    from core.machine.environment import environment

    return environment().isa
