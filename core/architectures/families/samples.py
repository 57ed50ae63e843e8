"""Transformer and MLP of the sample models, sized by the shapes of their state dict."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from core.architectures.catalogue import HINT, Architecture, Nearest, Shapes, describe_differences
from core.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import nn

HEAD_WIDTH = 32
"""Channels of one attention head; the shapes do not show it, so the transformer keeps it fixed."""


class SamplesFamily:
    """`token_transformer` and `tabular_mlp`."""

    id = "samples"
    order = 20

    def names(self) -> list[str]:
        """The two networks."""
        return ["token_transformer", "tabular_mlp"]

    def canonical(self, key: str) -> str:
        """These networks have no older names."""
        return key

    def match(self, shapes: Shapes) -> Architecture | None:
        """The network when every key fits."""
        for found in (_transformer(shapes), _mlp(shapes)):
            if found is not None and not describe_differences(_expected(found), shapes)[0]:
                return found
        return None

    def by_name(self, name: str, shapes: Shapes) -> Architecture:
        """The named network sized to `shapes`; raises UnsupportedModel when they do not fit."""
        found = self.match(shapes)
        if found is None or found.name != name:
            near = [item for item in self.nearest(shapes) if item.name == name]
            reason = "; ".join(near[0].differences) if near else "its embedding or head is missing"
            raise UnsupportedModel(f"The state dict is not of {name}: {reason}.", hint=HINT)
        return found

    def nearest(self, shapes: Shapes) -> list[Nearest]:
        """Whichever of the two the keys speak of."""
        found = [item for item in (_transformer(shapes), _mlp(shapes)) if item is not None]
        return [Nearest(item.name, *describe_differences(_expected(item), shapes)) for item in found]

    def build(self, architecture: Architecture) -> nn.Module:
        """A fresh network in eval mode."""
        from core.architectures.networks.mlp import TabularMlp
        from core.architectures.networks.transformer import TokenTransformer

        kind = TabularMlp if architecture.name == "tabular_mlp" else TokenTransformer
        return kind(**architecture.config).eval()


def _transformer(shapes: Shapes) -> Architecture | None:
    embed, position = shapes.get("embed.weight", ()), shapes.get("position", ())
    head, up = shapes.get("head.weight", ()), shapes.get("layers.0.up.weight", ())
    if [len(embed), len(position), len(head), len(up)] != [2, 3, 2, 2] or embed[1] % HEAD_WIDTH:
        return None
    config: dict[str, Any] = {
        "values": embed[0],
        "tokens": position[1],
        "width": embed[1],
        "layers": len({key.split(".")[1] for key in shapes if key.startswith("layers.")}),
        "heads": embed[1] // HEAD_WIDTH,
        "hidden": up[0],
        "classes": head[0],
    }
    return Architecture("token_transformer", FAMILY.id, config, head[0], (position[1],), "int64", embed[0])


def _mlp(shapes: Shapes) -> Architecture | None:
    mean = shapes.get("mean", ())
    weights = {int(key.split(".")[1]): shape for key, shape in shapes.items() if _is_linear(key, shape)}
    if len(mean) != 1 or not weights:
        return None
    sizes = [mean[0]] + [weights[index][0] for index in sorted(weights)]
    return Architecture("tabular_mlp", FAMILY.id, {"sizes": sizes}, sizes[-1], (sizes[0],))


def _is_linear(key: str, shape: tuple[int, ...]) -> bool:
    parts = key.split(".")
    named = len(parts) == 3 and parts[0] == "layers" and parts[1].isdecimal() and parts[2] == "weight"
    return named and len(shape) == 2


def _expected(found: Architecture) -> dict[str, tuple[int, ...]]:
    if found.name == "tabular_mlp":
        return _mlp_shapes(found.config["sizes"])
    return _transformer_shapes(found.config)


def _linear(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _mlp_shapes(sizes: list[int]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"mean": (sizes[0],), "scale": (sizes[0],)}
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        shapes |= _linear(f"layers.{2 * index}", outputs, inputs)
    return shapes


def _transformer_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    width, hidden = config["width"], config["hidden"]
    shapes: dict[str, tuple[int, ...]] = {
        "embed.weight": (config["values"], width),
        "position": (1, config["tokens"], width),
    }
    for index in range(config["layers"]):
        name = f"layers.{index}."
        shapes |= _norm(name + "norm1", width) | _norm(name + "norm2", width)
        shapes |= _linear(name + "qkv", 3 * width, width) | _linear(name + "proj", width, width)
        shapes |= _linear(name + "up", hidden, width) | _linear(name + "down", width, hidden)
    return shapes | _norm("norm", width) | _linear("head", config["classes"], width)


FAMILY = SamplesFamily()
