"""Forward signature of a transformers network: its inputs with sizes, and its tensors out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.domain.model import TensorSpec
from core.errors import InvalidRequest, UnsupportedModel
from core.sources.probe import Specs

if TYPE_CHECKING:
    from torch import nn

WORDS = 16
SAMPLES = 16_000
"""Tokens, and audio samples (one second at 16 kHz), of the example."""

SIDE = 224


@dataclass(frozen=True)
class Call:
    """One call of a network.

    Attributes:
        module: Takes tensors by position and returns a dictionary of tensors.
        inputs: In order.
        sizes: Example size of each symbol but the batch.
    """

    module: nn.Module
    inputs: Specs
    sizes: dict[str, int]

    def reshaped(self, name: str, shape: tuple[int, ...]) -> Call:
        """The call with the stated example shape of one input.

        Raises:
            InvalidRequest: There is no such input, or it has another number of sizes.
        """
        known = {spec.name: spec for spec in self.inputs}
        if name not in known or len(shape) != len(known[name].shape):
            listed = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in self.inputs)
            raise InvalidRequest(f"The shape {name}={list(shape)} fits no input.", hint=f"Inputs: {listed}.")
        pairs = zip(known[name].shape[1:], shape[1:], strict=True)
        sizes = self.sizes | {size: given for size, given in pairs if isinstance(size, str)}
        sized = (
            size if isinstance(size, str) else given
            for size, given in zip(known[name].shape, shape, strict=True)
        )
        changed = replace(known[name], shape=tuple(sized))
        inputs = tuple(changed if spec.name == name else spec for spec in self.inputs)
        return Call(self.module, inputs, sizes)


def call_of(network: Any, settings: dict[str, Any]) -> Call:
    """Return how `network` is called, told by its main input and its configuration.

    Args:
        network: Of transformers, loaded.
        settings: preprocessor_config.json, which tells the size of pictures where the network does not.

    Raises:
        UnsupportedModel: Its main input is of a kind that is not known here.
    """
    config = network.config
    main = network.main_input_name
    names: tuple[str, ...] = ("input_ids", "attention_mask") if main == "input_ids" else (main,)
    if hasattr(config, "text_config") and hasattr(config, "vision_config"):
        names = ("input_ids", "pixel_values", "attention_mask")
    text, vision = getattr(config, "text_config", config), getattr(config, "vision_config", config)
    makers = {
        "input_ids": lambda: TensorSpec("input_ids", "int64", ("batch", "sequence"), text.vocab_size),
        "attention_mask": lambda: TensorSpec("attention_mask", "int64", ("batch", "sequence"), 2),
        "pixel_values": lambda: TensorSpec("pixel_values", "float32", _picture(vision, settings)),
        "input_values": lambda: TensorSpec("input_values", "float32", ("batch", "samples")),
    }
    if any(name not in makers for name in names):
        raise UnsupportedModel(
            f"{type(network).__name__} takes {main}, for which no example is known here.",
            hint="Export it yourself with an example: torch.export.export, then torch.export.save.",
        )
    longest = getattr(text, "max_position_embeddings", WORDS) or WORDS
    sizes = {"sequence": min(WORDS, int(longest)), "samples": SAMPLES}
    return Call(_module(network, names), tuple(makers[name]() for name in names), sizes)


def _picture(config: Any, settings: dict[str, Any]) -> tuple[int | str, ...]:
    cropped = settings.get("crop_size") if settings.get("do_center_crop") else None
    size: Any = getattr(config, "image_size", None) or cropped or settings.get("size") or SIDE
    if isinstance(size, dict):
        edge = size.get("shortest_edge", SIDE)
        size = (size.get("height", edge), size.get("width", edge))
    high, wide = (size, size) if isinstance(size, int) else size
    return ("batch", int(getattr(config, "num_channels", 3)), int(high), int(wide))


def _module(network: Any, names: tuple[str, ...]) -> nn.Module:
    """Wrap `network` so that it takes tensors by position and returns no class of the library's."""
    from torch import Tensor, nn

    more = {"use_cache": False} if "input_ids" in names and hasattr(network.config, "use_cache") else {}

    class Once(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def once(self, **feed: Tensor) -> dict[str, Tensor]:
            found = self.network(**feed, **more, return_dict=True)
            return {key: value for key, value in found.items() if isinstance(value, Tensor)}

    class Text(Once):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
            return self.once(input_ids=input_ids, attention_mask=attention_mask)

    class Pictures(Once):
        def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
            return self.once(pixel_values=pixel_values)

    class Sound(Once):
        def forward(self, input_values: Tensor) -> dict[str, Tensor]:
            return self.once(input_values=input_values)

    class Both(Once):
        def forward(
            self, input_ids: Tensor, pixel_values: Tensor, attention_mask: Tensor
        ) -> dict[str, Tensor]:
            return self.once(input_ids=input_ids, pixel_values=pixel_values, attention_mask=attention_mask)

    kinds = {"input_ids": Text, "pixel_values": Pictures, "input_values": Sound}
    return (Both if len(names) == 3 else kinds[names[0]])().eval()
