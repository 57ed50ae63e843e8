"""What each preset tries, recipe by recipe and in order, against a list that is kept beside this file.

A change of the list is a decision: `python -m tests.search.test_recipes_of_presets` writes it anew.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.model import SourceModel, TensorSpec
from core.search.presets import PRESETS, recipes
from core.search.spelling import spell
from tests.factories import ENVIRONMENT, model

KEPT = Path(__file__).with_name("recipes_of_presets.txt")
RUNTIMES = ("onnxruntime", "openvino", "pytorch", "torchscript")
FORMATS = ("onnx", "pt2", "state_dict", "torchscript")
MACHINES = {"bf16": ENVIRONMENT, "no_bf16": replace(ENVIRONMENT, isa=("avx2",))}


def models() -> dict[str, SourceModel]:
    """Return models of each format that see images or read texts, and two that need their way opened."""
    found = {
        f"{name}-{kind}": model(name, rank) for name in FORMATS for kind, rank in (("vision", 4), ("text", 2))
    }
    plain = model("onnx")
    rate = TensorSpec("sr", "int64", (), compared=(16000,))
    found["onnx-double"] = replace(plain, precision="FP64")
    found["onnx-compared"] = replace(plain, inputs=(*plain.inputs, rate))
    found["onnx-double-compared"] = replace(found["onnx-compared"], precision="FP64")
    return found


CASES = [
    (f"{name} {preset} {machine}", name, preset, machine)
    for name in models()
    for preset in ("quick", "balanced", "thorough")
    for machine in MACHINES
]


def tried(name: str, preset: str, machine: str) -> list[str]:
    return [spell(each) for each in recipes(preset, models()[name], MACHINES[machine], RUNTIMES)]


def kept() -> dict[str, list[str]]:
    blocks = (block.splitlines() for block in KEPT.read_text().strip().split("\n\n"))
    return {head: lines for head, *lines in blocks}


@pytest.mark.parametrize(("title", "name", "preset", "machine"), CASES, ids=[case[0] for case in CASES])
def test_a_preset_tries_what_it_always_did(title: str, name: str, preset: str, machine: str) -> None:
    assert tried(name, preset, machine) == kept()[title]


def test_every_preset_is_on_the_list() -> None:
    assert {case[0] for case in CASES} == set(kept())
    assert {case[2] for case in CASES} == set(PRESETS)


if __name__ == "__main__":
    listed = ("\n".join([title, *tried(name, preset, machine)]) for title, name, preset, machine in CASES)
    KEPT.write_text("\n\n".join(listed) + "\n")
