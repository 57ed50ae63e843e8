from __future__ import annotations

import time
import warnings
from typing import Any

import pytest

from core.architectures import build, identify, load
from core.architectures.fingerprint_timm import line, pair_of
from core.architectures.shape_table import entries
from core.domain.model import Preprocessing
from core.errors import UnsupportedModel

FEW = (
    "resnetv2_50",
    "vit_tiny_patch16_224",
    "edgenext_xx_small",
    "swinv2_tiny_window8_256",
    "beit_base_patch16_224",
)
Shapes = dict[str, tuple[int, ...]]


def shapes_of(network: Any) -> Shapes:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def made(name: str, **options: Any) -> Any:
    import timm
    import torch

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return timm.create_model(name, pretrained=False, **options).eval()


def filled(entry: Any, classes: int = 7) -> Shapes:
    """Shapes of a network of the table at its usual image size."""

    def value(letter: int | str) -> int:
        if isinstance(letter, int):
            return letter
        return int(letter[1:]) if letter.startswith("S") else {"C": classes, "I": 3}.get(letter, 1)

    return {key: tuple(value(letter) for letter in pattern) for key, pattern in entry.patterns.items()}


def test_the_table_holds_the_whole_registry_of_the_installed_release() -> None:
    import timm

    assert {entry.name for entry in entries("timm")} == set(timm.list_models())
    assert entries("timm")[0].table.version == timm.__version__


@pytest.mark.parametrize("name", FEW)
def test_the_table_agrees_with_the_builders(name: str) -> None:
    from core.architectures.fingerprint import Nodes

    (entry,) = (entry for entry in entries("timm") if entry.name == name)
    fresh = line(Nodes(), name, pair_of(name))
    assert (entry.keys, dict(entry.bodies), dict(entry.more)) == (
        fresh["keys"],
        fresh["bodies"],
        fresh["more"],
    )
    assert list(entry.input_shape) == fresh["input"]


def test_every_network_of_the_registry_is_found_quickly_and_what_else_fits_is_said() -> None:
    """One of equal tensors is taken and the others are named, or it is torchvision's of the same tensors."""
    unseen = entries("timm")[::7]
    start = time.process_time()
    for entry in unseen:
        found = identify(filled(entry))
        has_head = any("C" in pattern for pattern in entry.patterns.values())
        assert found.classes == (7 if has_head else 0)
        if found.name != entry.name and found.family == "timm":
            assert "the same tensors fit" in " ".join(found.notes)
            assert identify(filled(entry), f"timm/{entry.name}").name == entry.name
            assert identify(filled(entry), hints=[f"{entry.name}-0a1b2c"]).name == entry.name
    assert (time.process_time() - start) / len(unseen) < 0.25


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("convnext_atto", {"num_classes": 5}, (3, 224, 224)),
        ("vit_tiny_patch16_224", {"num_classes": 3, "img_size": 160, "in_chans": 1}, (1, 160, 160)),
        ("mobilenetv3_small_050", {"num_classes": 0}, (3, 224, 224)),
        ("swinv2_cr_tiny_ns_224", {"num_classes": 4}, (3, 224, 224)),
        ("efficientformerv2_s0", {"num_classes": 4}, (3, 224, 224)),
    ],
)
def test_weights_in_and_the_same_numbers_out(name: str, options: Any, shape: tuple[int, ...]) -> None:
    """Buffers that no file holds are computed again, sizes are read off the shapes."""
    import torch

    network = made(name, **options)
    found = identify(shapes_of(network))
    assert (found.name, found.classes, found.input_shape) == (name, options["num_classes"], shape)
    restored = load(found, network.state_dict())
    images = torch.randn(2, *shape)
    with torch.inference_mode():
        torch.testing.assert_close(restored(images), network(images))


def test_preprocessing_is_timms_own() -> None:
    found = identify(shapes_of(made("mobilevit_xxs")))
    assert found.preprocessing == Preprocessing(
        "timm's mobilevit_xxs", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), crop=0.9, interpolation="bicubic"
    )


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert build(identify(shapes_of(made("ghostnet_050"))))


def test_a_name_that_does_not_fit_is_refused_with_the_difference() -> None:
    with pytest.raises(UnsupportedModel, match=r"timm's convnext_tiny: \d+ keys do not fit"):
        identify(shapes_of(made("convnext_atto")), "timm/convnext_tiny")
