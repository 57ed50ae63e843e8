from __future__ import annotations

import pytest

from core.architectures.fingerprint import Nodes
from core.architectures.fingerprint_torchvision import (
    builders,
    input_shape,
    patterns_of,
    refusal,
    variants,
)
from core.architectures.shape_table import Table, entries, hash_keys

FEW = (
    "resnet18",
    "regnet_y_400mf",
    "vit_b_32",
    "googlenet",
    "lraspp_mobilenet_v3_large",
    "mnasnet0_5",
    "raft_small",
)


def agrees(name: str) -> None:
    stored = [entry for entry in entries() if entry.name == name]
    assert [entry.options for entry in stored] == variants(name)
    for entry in stored:
        patterns = patterns_of(name, entry.options)
        assert entry.patterns == patterns
        assert entry.keys == hash_keys(patterns)
        assert entry.input_shape == input_shape(name)
        assert entry.more["refused"] == refusal(name)


@pytest.mark.parametrize("name", FEW)
def test_the_table_agrees_with_the_registry(name: str) -> None:
    agrees(name)


@pytest.mark.slow
def test_the_whole_table_agrees_with_the_registry() -> None:
    assert {entry.name for entry in entries()} == set(builders())
    for name in builders():
        agrees(name)


def test_the_table_says_which_release_it_was_read_from() -> None:
    import torchvision

    assert entries()[0].table.version == torchvision.__version__.partition("+")[0]


def test_equal_subtrees_are_stored_once_and_expand_again() -> None:
    import json

    nodes = Nodes()
    patterns = {
        "a.bn.weight": (4,),
        "a.bn.bias": (4,),
        "b.bn.weight": (4,),
        "b.bn.bias": (4,),
        "fc": ("C", 4),
    }
    root = nodes.add(patterns)  # type: ignore[arg-type]
    table = Table("0", [json.loads(text) for text in nodes.items])
    assert dict(table.expand(root)) == patterns
    assert len(nodes.items) == 5
