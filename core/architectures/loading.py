"""Load a state dict into a freshly built network, with clear errors where it does not fit."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from core.architectures.catalogue import COUNTER, HINT, Architecture, family_of
from core.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import Tensor, nn


def weightless() -> AbstractContextManager[Any]:
    """A context where new parameters take no memory and no time; initialising a large one takes seconds.

    Only `torch.empty`, which makes parameters, is caught. Buffers that are computed (Swin's positions, batch
    norm's statistics) become real, and so do the small tensors that RegNet's builder computes with.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class EmptyOnMeta(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            more = {"device": "meta"} if func is torch.empty else {}
            return func(*args, **{**(kwargs or {}), **more})

    return EmptyOnMeta()


def build(architecture: Architecture) -> nn.Module:
    """The network of `architecture` with fresh weights, in eval mode."""
    return family_of(architecture.family).build(architecture)


def load(architecture: Architecture, state: Mapping[str, Tensor]) -> nn.Module:
    """Build the network and put the weights in, older key names understood.

    Raises:
        UnsupportedModel: A key is missing, surplus or of another shape.
    """
    return fill(built(lambda: build(architecture)), state, family_of(architecture.family).canonical)


def built(build: Callable[[], nn.Module]) -> nn.Module:
    """The network that `build` makes, weightless where it bears that.

    Builders that run a part of the network to learn a size (timm's hybrids) need real tensors.
    """
    try:
        with weightless():
            return build()
    except (RuntimeError, NotImplementedError):
        return build()


def fill(network: nn.Module, state: Mapping[str, Tensor], canonical: Callable[[str], str]) -> nn.Module:
    """Put a copy of `state` into `network` strictly, batch norm's counters excepted.

    The state takes over the network's own version metadata: the keys are renamed to today's names first, and
    a file that lost its metadata (safetensors) would be refused by MNASNet otherwise.

    Raises:
        UnsupportedModel: A key is missing, surplus or of another shape.
    """
    own = network.state_dict()
    counters = ((key, value) for key, value in own.items() if key.endswith(COUNTER))
    renamed: OrderedDict[str, Any] = OrderedDict(counters)
    for name, value in state.items():
        key = canonical(name)
        renamed[key] = value.to(own[key].dtype if key in own else value.dtype, copy=True)
    cast(Any, renamed)._metadata = cast(Any, own)._metadata
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MNASNet's first release warns that it is old
            network.load_state_dict(renamed, assign=True)
    except RuntimeError as error:
        raise UnsupportedModel(f"The weights do not fit the network: {error}", hint=HINT) from error
    _compute_buffers(network)
    return network.eval()


def _compute_buffers(network: nn.Module) -> None:
    """Fill the buffers that no state dict holds and that `weightless` left empty, as timm's modules can."""
    import torch

    for module in network.modules():
        empty = [name for name, buffer in module.named_buffers(recurse=False) if buffer.is_meta]
        for name in empty:
            setattr(module, name, torch.empty_like(getattr(module, name), device="cpu"))
        if empty:
            cast(Any, module).init_non_persistent_buffers()
