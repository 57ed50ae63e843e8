"""Every format that a technique makes is known, and some runtime says that it opens it."""

from __future__ import annotations

import pytest

from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Target
from core.engine import building
from core.protocols import Format
from core.registry import formats, get_pass, passes, runtimes
from tests.factories import model


def test_techniques_and_runtimes_name_formats_that_exist() -> None:
    made = {form for each in passes().values() for pair in each.produces.items() for form in pair}
    opened = {form for each in runtimes().values() for form in each.formats}
    baselines = {form for each in runtimes().values() for form in each.baseline_of}
    assert made | opened | baselines <= set(formats())
    assert made <= opened, "a runtime says why it is not here; without any, nobody learns what is needed"


@pytest.mark.parametrize("format_", formats().values(), ids=list(formats()))
def test_a_format_says_what_it_is(format_: Format) -> None:
    assert format_.name
    assert format_.suffix.startswith(".")


def test_ideas_name_techniques_and_runtimes_that_exist() -> None:
    from tests.factories import ENVIRONMENT

    models: list[SourceModel] = [model("onnx", rank) for rank in (2, 4)]
    extensions = [*passes().values(), *runtimes().values()]
    ideas = [idea for each in extensions for one in models for idea in each.ideas(one, ENVIRONMENT)]
    assert ideas
    assert {idea.runtime for idea in ideas} <= set(runtimes())
    assert {step.pass_id for idea in ideas for step in idea.steps} <= set(passes())


def test_an_artifact_of_a_machine_bound_format_is_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = Artifact("a", None, None, "onnx", ())

    def identity(bound: bool, machine: str) -> str:
        bind = Format("onnx", "ONNX", ".onnx", lambda _: (), machine_bound=bound)
        monkeypatch.setattr(building, "get_format", lambda _: bind)
        monkeypatch.setattr(building, "fingerprint", lambda: machine)
        technique = get_pass("optimize_onnx")
        return building.artifact_id(onnx, technique, technique.Params(), None, 0)

    assert identity(False, "one") == identity(False, "other")
    assert identity(True, "one") == identity(True, "one") != identity(True, "other")
    assert identity(True, "one") != identity(False, "one")


def test_what_follows_from_measured_times_is_of_one_machine_and_one_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    onnx, technique = Artifact("a", None, None, "onnx", ()), get_pass("optimize_onnx")

    def identity(measures: bool, machine: str, threads: int) -> str:
        monkeypatch.setattr(type(technique), "measures", measures)
        monkeypatch.setattr(building, "fingerprint", lambda: machine)
        target = Target("openvino", threads=threads)
        return building.artifact_id(onnx, technique, technique.Params(), None, 0, target)

    assert identity(False, "one", 1) == identity(False, "other", 2)
    assert identity(True, "one", 1) == identity(True, "one", 1)
    assert building.artifact_id(
        onnx, technique, technique.Params(), None, 0, Target("openvino", machine="amd")
    ) != building.artifact_id(
        onnx, technique, technique.Params(), None, 0, Target("openvino", machine="intel")
    )
    assert len({identity(True, "one", 1), identity(True, "other", 1), identity(True, "one", 2)}) == 3
