"""What every export target promises: a known runtime, format and passes, and ways from every upload."""

from __future__ import annotations

import inspect
import sys

import pytest

from core.domain.export import ExportPrecision, Scenario
from core.params import make
from core.protocols import ExportTarget
from core.registry import formats, get_pass, get_runtime, targets
from core.search.paths import path_to

EACH = list(targets().values())
UPLOADS = ("onnx", "pt2", "state_dict", "torchscript")


@pytest.fixture(params=EACH, ids=lambda each: each.id)
def target(request: pytest.FixtureRequest) -> ExportTarget:
    found: ExportTarget = request.param
    return found


def test_targets_are_found() -> None:
    assert {"onnx", "pt2", "torchscript", "openvino", "litert"} <= set(targets())


def test_it_names_what_exists(target: ExportTarget) -> None:
    assert target.format in get_runtime(target.runtime).formats
    assert target.format in formats()
    assert target.default in target.precisions
    assert not set(target.lacks) & set(target.precisions)


def test_its_steps_are_techniques_with_their_parameters(target: ExportTarget) -> None:
    for step in (step for steps in target.precisions.values() for step in steps):
        make(get_pass(step.pass_id).Params, step.params)


@pytest.mark.parametrize("upload", UPLOADS)
def test_a_way_leads_there_from_every_kind_of_upload(target: ExportTarget, upload: str) -> None:
    for precision, steps in target.precisions.items():
        path = path_to(upload, steps, get_runtime(target.runtime), target.format)
        assert path is not None, precision
        form = upload
        for step in path:
            form = get_pass(step.pass_id).produces[form]
        assert form == target.format


def test_lower_precisions_are_steps_that_say_so(target: ExportTarget) -> None:
    plain = target.precisions.get(ExportPrecision.FP32)
    for precision, steps in target.precisions.items():
        assert precision is ExportPrecision.FP32 or steps != plain, precision


def test_what_it_says_are_sentences(target: ExportTarget) -> None:
    said = [target.summary, *target.lacks.values()]
    said += [text for advice in target.guide.values() for text in (advice.why, advice.needs)]
    for text in said:
        assert text[0].isupper() or text.startswith("torch."), text
        assert text.endswith("."), text
    assert all(advice.rank >= 1 for advice in target.guide.values())
    assert all(set(advice.precisions) <= set(target.precisions) for advice in target.guide.values())


def test_every_scenario_has_a_format() -> None:
    said = {scenario for each in EACH for scenario in each.guide}
    assert said == set(Scenario)


def test_a_target_is_in_the_file_of_its_name() -> None:
    for name, module in sys.modules.items():
        found = getattr(module, "TARGET", None)
        if name.startswith("core.targets.") and found is not None:
            assert inspect.getmodulename(str(module.__file__)) == found.id
