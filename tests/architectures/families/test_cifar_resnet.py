from __future__ import annotations

import pytest

from core.architectures import build, identify, load
from core.architectures.catalogue import Architecture
from core.errors import UnsupportedModel


def architecture(option: str, blocks: int = 3, channels: int = 3) -> Architecture:
    config = {
        "blocks": [blocks] * 3,
        "widths": [16, 32, 64],
        "channels": channels,
        "classes": 4,
        "option": option,
    }
    return Architecture(f"cifar_resnet{6 * blocks + 2}", "cifar_resnet", config, 4, (channels, 32, 32))


def shapes(of: Architecture) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in build(of).state_dict().items()}


@pytest.mark.parametrize("option", ["A", "B"])
@pytest.mark.parametrize(("blocks", "channels"), [(3, 3), (5, 1)])
def test_depth_channels_and_shortcut_are_read_from_the_shapes(
    option: str, blocks: int, channels: int
) -> None:
    expected = architecture(option, blocks, channels)
    assert identify(shapes(expected)) == expected
    assert identify(shapes(expected), expected.name) == expected


def test_resnet20_has_the_parameters_of_the_paper() -> None:
    network = build(architecture("A"))
    head = 64 * 6  # the paper's ten classes instead of four
    head_bias = 6
    assert sum(p.numel() for p in network.parameters()) + head + head_bias == 269_722


def test_a_wrong_depth_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="not of cifar_resnet56"):
        identify(shapes(architecture("A")), "cifar_resnet56")


def test_a_changed_layer_is_named() -> None:
    changed = shapes(architecture("A")) | {"layer2.1.conv1.weight": (32, 32, 5, 5)}
    with pytest.raises(
        UnsupportedModel, match=r"cifar_resnet20, 1 keys .*layer2.1.conv1.weight is \[32, 32, 5, 5\]"
    ):
        identify(changed)


def test_downsample_is_another_name_of_the_shortcut() -> None:
    import torch

    own = build(architecture("B"))
    state = {key.replace("shortcut", "downsample"): value for key, value in own.state_dict().items()}
    found = identify({key: tuple(value.shape) for key, value in state.items()})
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(load(found, state)(images), own(images))
