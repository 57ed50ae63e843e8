from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.recipe import Target
from core.errors import PassNotApplicable, RuntimeFailed
from core.examples import example_feed
from core.passes.checks import distance
from core.passes.conversion import compile_aotinductor
from core.passes.conversion.compile_aotinductor import PASS
from core.passes.quantization.bf16 import INSTRUCTIONS
from core.registry import get_runtime
from core.sandbox.compilers import compiler
from tests.factories import ENVIRONMENT
from tests.passes.conftest import Sample, answer, apply

compiles = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
slow = [pytest.mark.slow, pytest.mark.timeout(600), compiles]


def test_without_a_compiler_it_says_what_to_install(resnet: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_aotinductor, "compiler", lambda: None)
    with pytest.raises(PassNotApplicable, match=r"g\+\+") as caught:
        PASS.requires(resnet.model, ENVIRONMENT, PASS.Params())
    assert "apt-get install" in caught.value.hint


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=slow) for each in ("cnn", "bert", "recurrent", "two", "fixed")]
)
def test_a_package_answers_as_the_program_at_any_batch(
    name: str, networks: dict[str, Sample], tmp_path: Path
) -> None:
    sample = networks[name]
    built = apply("compile_aotinductor", sample, "pt2", tmp_path)
    assert built.details["compile_s"] > 1
    for batch in (2,) if name == "fixed" else (1, 4):
        expected, found = (answer(each, sample.model, batch) for each in (sample.artifacts["pt2"], built))
        assert distance(expected, found) < 1e-3


@pytest.mark.parametrize("step", [pytest.param(each, marks=slow) for each in ("bf16", "int8_static_torch")])
def test_lower_precision_is_compiled_as_such(step: str, resnet: Sample, tmp_path: Path) -> None:
    if step == "bf16" and not INSTRUCTIONS & set(_here()):
        pytest.skip("the processor has no bfloat16")
    lowered = apply(step, resnet, "pt2", tmp_path / step)
    built = apply("compile_aotinductor", Sample(resnet.model, {"pt2": lowered}), "pt2", tmp_path / "out")
    assert built.details["precision"] == {"bf16": "bf16"}.get(step, "int8")
    assert built.options == {}
    expected, found = (answer(each, resnet.model, 3) for each in (resnet.artifacts["pt2"], built))
    assert 1e-4 < distance(expected, found) < 0.15


def _here() -> tuple[str, ...]:
    from core.machine.environment import environment

    return environment().isa


@pytest.mark.slow
@pytest.mark.timeout(600)
@compiles
def test_a_fixed_batch_is_the_only_one(resnet: Sample, tmp_path: Path) -> None:
    built = apply("compile_aotinductor", resnet, "pt2", tmp_path, batch=2)
    expected, found = (answer(each, resnet.model, 2) for each in (resnet.artifacts["pt2"], built))
    assert distance(expected, found) < 1e-3
    runtime = get_runtime("aotinductor")
    session = runtime.open(built, Target("aotinductor", threads=1), resnet.model)
    with pytest.raises(RuntimeFailed):
        session.run(example_feed(resnet.model, 3))
