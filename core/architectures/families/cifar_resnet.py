"""CIFAR ResNets (arXiv 1512.03385, section 4.2), sized by the shapes of their state dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.architectures.catalogue import HINT, Architecture, Nearest, Shapes, describe_differences
from core.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import nn

DEPTHS = {f"cifar_resnet{6 * n + 2}": n for n in (3, 5, 7, 9, 18)}


class CifarResNetFamily:
    """Stem `conv1, bn1`, stages `layer1..3`, head `linear`."""

    id = "cifar_resnet"
    order = 10

    def names(self) -> list[str]:
        """ResNet-20, 32, 44, 56 and 110."""
        return list(DEPTHS)

    def canonical(self, key: str) -> str:
        """Some copies name the option-B shortcut as torchvision does."""
        return key.replace(".downsample.", ".shortcut.")

    def match(self, shapes: Shapes) -> Architecture | None:
        """The network when every key fits."""
        config = _read(shapes)
        if config is None or describe_differences(_expected(config), shapes)[0]:
            return None
        return _architecture(config)

    def by_name(self, name: str, shapes: Shapes) -> Architecture:
        """The named depth; raises UnsupportedModel when the shapes are of another."""
        found = self.match(shapes)
        if found is None or found.config["blocks"] != [DEPTHS[name]] * 3:
            count, words = describe_differences(_expected(_default(DEPTHS[name])), shapes)
            message = f"The state dict is not of {name}: {count} keys do not fit ({'; '.join(words)})."
            raise UnsupportedModel(message, hint=HINT)
        return found

    def nearest(self, shapes: Shapes) -> list[Nearest]:
        """The network that the stem and stages speak of, if they do."""
        config = _read(shapes)
        if config is None:
            return []
        return [Nearest(_architecture(config).name, *describe_differences(_expected(config), shapes))]

    def build(self, architecture: Architecture) -> nn.Module:
        """A fresh network in eval mode."""
        from core.architectures.networks.cifar_resnet import CifarResNet

        return CifarResNet(**architecture.config).eval()


def _read(shapes: Shapes) -> dict[str, Any] | None:
    stem, head = shapes.get("conv1.weight"), shapes.get("linear.weight")
    firsts = [shapes.get(f"layer{stage}.0.conv1.weight") for stage in (1, 2, 3)]
    if stem is None or len(stem) != 4 or head is None or not head or any(not first for first in firsts):
        return None
    option = "B" if any(".shortcut.0." in key for key in shapes) else "A"
    return {
        "blocks": [_count(shapes, f"layer{stage}.") for stage in (1, 2, 3)],
        "widths": [first[0] for first in firsts if first],
        "channels": stem[1],
        "classes": head[0],
        "option": option,
    }


def _count(shapes: Shapes, stage: str) -> int:
    return len({key[len(stage) :].partition(".")[0] for key in shapes if key.startswith(stage)})


def _default(n: int) -> dict[str, Any]:
    return {"blocks": [n] * 3, "widths": [16, 32, 64], "channels": 3, "classes": 10, "option": "A"}


def _architecture(config: dict[str, Any]) -> Architecture:
    name = f"cifar_resnet{2 * sum(config['blocks']) + 2}"
    return Architecture(name, FAMILY.id, config, config["classes"], (config["channels"], 32, 32))


def _expected(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    widths = config["widths"]
    shapes = _conv_bn("conv1", "bn1", widths[0], config["channels"], 3)
    inputs = widths[0]
    for stage, (count, width) in enumerate(zip(config["blocks"], widths, strict=True), start=1):
        for index in range(count):
            block = f"layer{stage}.{index}."
            shapes |= _conv_bn(block + "conv1", block + "bn1", width, inputs, 3)
            shapes |= _conv_bn(block + "conv2", block + "bn2", width, width, 3)
            changes = inputs != width or (index == 0 and stage > 1)
            if changes and config["option"] == "B":
                shapes |= _conv_bn(block + "shortcut.0", block + "shortcut.1", width, inputs, 1)
            inputs = width
    return shapes | {"linear.weight": (config["classes"], inputs), "linear.bias": (config["classes"],)}


def _conv_bn(conv: str, norm: str, outputs: int, inputs: int, kernel: int) -> dict[str, tuple[int, ...]]:
    leaves = ("weight", "bias", "running_mean", "running_var")
    weight: dict[str, tuple[int, ...]] = {f"{conv}.weight": (outputs, inputs, kernel, kernel)}
    return weight | {f"{norm}.{leaf}": (outputs,) for leaf in leaves}


FAMILY = CifarResNetFamily()
