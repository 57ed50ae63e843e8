"""torchvision's builders called the way the catalogue needs them; imports torch inside."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import nn

V1_STEM = "v1_stem"
"""Option of ours: MNASNet's first release had a stem of fixed width, which its state dicts still show."""

LOGITS_ONLY = "out"


def construct(builder: str, options: dict[str, Any], classes: int | None) -> nn.Module:
    """Torchvision's network without weights; a segmentation network returns its main output alone."""
    from torchvision import models

    arguments = {key: value for key, value in options.items() if key != V1_STEM}
    if classes is not None:
        arguments["num_classes"] = classes
    if builder in ("googlenet", "inception_v3"):
        arguments["init_weights"] = False  # slow, and the weights come from the file
    if any(models.get_model_builder(builder).__module__.endswith(f".{place}") for place in WITH_BACKBONE):
        arguments["weights_backbone"] = None
    network = models.get_model(builder, weights=None, **arguments)
    if options.get(V1_STEM):
        _old_stem(network)
    if _is_segmentation(network):
        return _main_output(network)
    return _raw_detections(network) if hasattr(network, "anchor_generator") else network


WITH_BACKBONE = (
    "deeplabv3", "fcn", "lraspp",
    "faster_rcnn", "mask_rcnn", "keypoint_rcnn", "retinanet", "fcos", "ssd", "ssdlite",
)  # fmt: skip
"""Modules whose builders would download a backbone by default."""


def _old_stem(network: nn.Module) -> None:
    """MNASNet rebuilds its stem when it is given a state of version 1, even an empty one, and warns of it."""
    state: OrderedDict[str, Any] = OrderedDict()
    cast(Any, state)._metadata = {"": {"version": 1}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.load_state_dict(state, strict=False)


def _is_segmentation(network: nn.Module) -> bool:
    from torchvision.models.segmentation._utils import _SimpleSegmentationModel
    from torchvision.models.segmentation.lraspp import LRASPP

    return isinstance(network, LRASPP | _SimpleSegmentationModel)


def _main_output(network: nn.Module) -> nn.Module:
    """The same module under a class whose forward returns one tensor instead of a dictionary.

    A wrapper would put a prefix before every key of the state dict; another class does not.
    """
    own: Any = type(network)

    def forward(self: Any, x: Any) -> Any:
        return own.forward(self, x)[LOGITS_ONLY]

    network.__class__ = type(own.__name__, (own,), {"forward": forward})
    return network


def _raw_detections(network: nn.Module) -> nn.Module:
    """The same detector, returning scores and box offsets of every anchor before boxes are sorted out.

    How many boxes are left varies from image to image; these outputs have fixed sizes. Pixels come in 0 to 1,
    as torchvision's own transform wants them, and are normalised as it does, but not resized.
    """
    import torch

    own: Any = type(network)

    def forward(self: Any, x: Any) -> Any:
        mean, std = (
            torch.tensor(v)[:, None, None] for v in (self.transform.image_mean, self.transform.image_std)
        )
        features = self.backbone((x - mean) / std)
        return self.head([features] if isinstance(features, torch.Tensor) else list(features.values()))

    network.__class__ = type(own.__name__, (own,), {"forward": forward})
    return network


def resize(network: nn.Module, path: str, dimension: int, size: int) -> None:
    """Give the convolution or linear layer at `path` `size` outputs (dimension 0) or inputs (1)."""
    from torch import nn

    old: Any = network.get_submodule(path)
    if isinstance(old, nn.Linear):
        sizes = [old.out_features, old.in_features]
        sizes[dimension] = size
        new: nn.Module = nn.Linear(sizes[1], sizes[0], bias=old.bias is not None)
    else:
        sizes = [old.out_channels, old.in_channels]
        sizes[dimension] = size
        places = {"stride": old.stride, "padding": old.padding, "dilation": old.dilation}
        new = type(old)(sizes[1], sizes[0], old.kernel_size, bias=old.bias is not None, **places)
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, new)


def take_off(network: nn.Module, path: str) -> None:
    """Put nothing in the place of the module at `path`, so that what went into it comes out."""
    from torch import nn

    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, nn.Identity())
