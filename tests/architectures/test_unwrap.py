from __future__ import annotations

import numpy as np
import pytest

from core.architectures.shape_table import entries
from core.architectures.unwrap import strip_wrappers, unwrap
from core.errors import UnsupportedModel

STATE = {"conv1.weight": np.zeros((2, 3, 3, 3)), "fc.bias": np.zeros(5)}


def prefixed(prefix: str) -> dict[str, np.ndarray]:
    return {prefix + key: value for key, value in STATE.items()}


@pytest.mark.parametrize(
    "checkpoint",
    [
        STATE,
        prefixed("module."),
        prefixed("_orig_mod.module."),
        prefixed("module._orig_mod.model."),
        {"state_dict": STATE, "epoch": 3, "optimizer": {"state": {}}},
        {"model": prefixed("module."), "lr": 0.1},
        {"model_state_dict": STATE, "loss": np.float64(1.0)},
        {"checkpoint": {"ignored": 1}, "model": {"state_dict": prefixed("backbone.")}},
        prefixed("module.") | {"n_averaged": np.int64(4)},
        prefixed("model.") | {"criterion.weight": np.ones(5)},
    ],
)
def test_wrappers_are_taken_off(checkpoint: dict[str, object]) -> None:
    flat = unwrap(checkpoint)
    assert flat.keys() == STATE.keys()
    assert all(flat[key] is STATE[key] for key in STATE)


def test_a_prefix_that_only_some_keys_have_stays() -> None:
    keys = ["backbone.conv.weight", "head.weight"]
    assert strip_wrappers(keys) == {key: key for key in keys}


def test_no_network_of_the_catalogue_is_mistaken_for_a_wrapped_one() -> None:
    for entry in entries():
        assert all(key == stripped for key, stripped in strip_wrappers(list(entry.patterns)).items())


@pytest.mark.parametrize(
    ("checkpoint", "words"),
    [
        ([1, 2], "holds a list"),
        ({"epoch": 3, "args": "x"}, "epoch, args"),
        ({}, "nothing"),
        ("text", "holds a str"),
    ],
)
def test_what_is_no_state_dict_is_refused_in_words(checkpoint: object, words: str) -> None:
    with pytest.raises(UnsupportedModel, match=words) as caught:
        unwrap(checkpoint)
    assert "state_dict()" in caught.value.hint


def test_endless_nesting_ends() -> None:
    loop: dict[str, object] = {}
    loop["model"] = loop
    with pytest.raises(UnsupportedModel):
        unwrap(loop)


def test_a_list_of_one_state_dict_is_that_state_dict() -> None:
    state = {"module.fc.weight": np.zeros((2, 3))}
    assert list(unwrap([state])) == ["fc.weight"]
    with pytest.raises(UnsupportedModel, match="holds a list"):
        unwrap([state, state])
