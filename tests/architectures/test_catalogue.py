from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.architectures import identify, names
from core.architectures.catalogue import describe_differences
from core.errors import UnsupportedModel
from tests.architectures.conftest import Shapes


def test_a_replaced_head_is_named_in_the_refusal(zoo: dict[str, Shapes]) -> None:
    shapes = dict(zoo["resnet50"])
    shapes["fc.1.weight"], shapes["fc.1.bias"] = shapes.pop("fc.weight"), shapes.pop("fc.bias")
    with pytest.raises(
        UnsupportedModel, match=r"resnet50, 4 keys do not fit \(fc.weight is missing"
    ) as caught:
        identify(shapes)
    assert ".pt2" in caught.value.hint


def test_unrelated_tensors_have_nothing_near() -> None:
    with pytest.raises(UnsupportedModel, match=r"None comes near; the first keys are a\.weight"):
        identify({"a.weight": (3, 4)})


def test_no_tensors_at_all() -> None:
    with pytest.raises(UnsupportedModel, match="no tensors"):
        identify({})


@pytest.mark.parametrize("key", ["conv1.zero_point", "fc._packed_params._packed_params"])
def test_packed_weights_are_refused(zoo: dict[str, Shapes], key: str) -> None:
    with pytest.raises(UnsupportedModel, match="already quantized"):
        identify(zoo["resnet18"] | {key: ()})


def test_an_unknown_name_suggests_near_ones(zoo: dict[str, Shapes]) -> None:
    with pytest.raises(UnsupportedModel, match="resnet51") as caught:
        identify(zoo["resnet50"], "resnet51")
    assert "resnet50" in caught.value.hint


def test_a_name_that_does_not_fit_says_what_differs(zoo: dict[str, Shapes]) -> None:
    with pytest.raises(UnsupportedModel, match=r"not of resnet50: \d+ keys do not fit"):
        identify(zoo["resnet18"], "resnet50")


def test_names_are_unique() -> None:
    assert len(names()) == len(set(names())) > 120


def test_differences_put_changed_shapes_first() -> None:
    count, words = describe_differences({"a": (1,), "b": (2,)}, {"b": (3,), "c": (4,)})
    assert count == 3
    assert words == ("b is [3] where [2] is expected", "a is missing", "c is unknown")


def test_identification_needs_no_torch(zoo: dict[str, Shapes]) -> None:
    script = (
        "import json, sys\nfrom core.architectures import identify\n"
        "found = identify({k: tuple(v) for k, v in json.load(sys.stdin).items()})\n"
        "assert 'torch' not in sys.modules\nprint(found.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(zoo["vgg11"]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "vgg11"
