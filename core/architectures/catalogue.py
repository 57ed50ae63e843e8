"""Architecture catalogue: which network a bare state dict belongs to, by its keys and shapes alone.

Each family is one module of the folder `families`; nothing here imports torch until a network is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from core import registry
from core.domain.model import Preprocessing
from core.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
COUNTER = "num_batches_tracked"
"""Batch norm's step counter: absent from old state dicts and without influence on inference."""

PACKED = (".zero_point", "_packed_params", "_packed_params.dtype")
"""Endings of keys that only eager-mode quantized networks have."""

HINT = (
    "Name the architecture if the file comes from a known one, or upload a torch.export file (.pt2) or ONNX, "
    "which carry their network with them."
)


@dataclass(frozen=True)
class Architecture:
    """A network that can be built: `config` is JSON-able and is all that `build` needs beside the family.

    Attributes:
        input_shape: Example input without its batch dimension.
        values: Exclusive upper bound of an integer input, None for a float input.
        classes: 0 where the head was taken off and features come out.
        notes: What was assumed because the shapes could not tell.
        preprocessing: What the library does to pictures before this network, where it says so.
    """

    name: str
    family: str
    config: dict[str, Any]
    classes: int
    input_shape: tuple[int, ...]
    input_dtype: str = "float32"
    values: int | None = None
    notes: tuple[str, ...] = field(default=())
    preprocessing: Preprocessing | None = None


class Nearest(NamedTuple):
    """An architecture that did not fit, with how many keys do not fit and the first differences in words."""

    name: str
    distance: int
    differences: tuple[str, ...]


class Family(Protocol):
    """A set of related networks that are told apart by shapes."""

    id: str
    order: int
    """The most specific are asked first."""

    def names(self) -> list[str]:
        """Every name that `by_name` understands."""
        ...

    def match(self, shapes: Shapes) -> Architecture | None:
        """The architecture with these keys and shapes; raises UnsupportedModel for an unusable one."""
        ...

    def by_name(self, name: str, shapes: Shapes) -> Architecture:
        """The named architecture, sized to `shapes`; raises UnsupportedModel when they do not fit."""
        ...

    def nearest(self, shapes: Shapes) -> list[Nearest]:
        """What comes close, best first; only asked when nothing matched."""
        ...

    def canonical(self, key: str) -> str:
        """Today's name of a key that older releases of this family wrote differently."""
        ...

    def build(self, architecture: Architecture) -> nn.Module:
        """The network with fresh weights, in eval mode."""
        ...


def families() -> tuple[Family, ...]:
    """All families, the most specific first."""
    return tuple(registry.families().values())


def names() -> list[str]:
    """Every architecture that may be named by hand; of two families with one name the first has it."""
    return list(dict.fromkeys(name for family in families() for name in family.names()))


def canonical_shapes(family: Family, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """`shapes` under the family's own key names, without batch norm's counters."""
    return {family.canonical(k): tuple(s) for k, s in shapes.items() if k.rpartition(".")[2] != COUNTER}


def identify(shapes: Shapes, name: str | None = None, hints: Iterable[str] = ()) -> Architecture:
    """Find the architecture of a flat, unwrapped state dict.

    Args:
        shapes: Tensor shape by key.
        name: An entry of `names()` to take instead of searching.
        hints: Texts that may begin with such a name, such as the file's; where several architectures have
            the same tensors, they decide.

    Raises:
        UnsupportedModel: Nothing fits; the message says what came nearest and what differs.
    """
    if not shapes:
        raise UnsupportedModel("The file holds no tensors, so there is no network to find.", hint=HINT)
    _refuse_quantized(shapes)
    if name is not None:
        return _named(shapes, name)
    for hint in hints:
        hinted = _hinted(shapes, hint)
        if hinted is not None:
            return hinted
    for family in families():
        found = family.match(canonical_shapes(family, shapes))
        if found is not None:
            return found
    raise UnsupportedModel(_unknown(shapes), hint=HINT)


def family_of(family_id: str) -> Family:
    """The family with that id."""
    return next(family for family in families() if family.id == family_id)


def _named(shapes: Shapes, name: str) -> Architecture:
    for family in families():
        if name in family.names():
            return family.by_name(name, canonical_shapes(family, shapes))
    close = get_close_matches(name, names(), n=3)
    hint = (
        f"Did you mean {', '.join(close)}?" if close else "Leave the name out to search by keys and shapes."
    )
    raise UnsupportedModel(f"There is no architecture named {name!r} in the catalogue.", hint=hint)


def _hinted(shapes: Shapes, hint: str) -> Architecture | None:
    """The architecture that `hint` begins with, such as `resnet50d` of `resnet50d-1a2b3c`, if it fits."""
    text = hint.lower().replace("-", "_")
    found = [name for name in names() if re.match(rf"{re.escape(name)}(?![a-z0-9])", text)]
    with suppress(UnsupportedModel):
        return _named(shapes, max(found, key=len)) if found else None
    return None


def _refuse_quantized(shapes: Shapes) -> None:
    packed = [key for key in shapes if key.endswith(PACKED)]
    if packed:
        raise UnsupportedModel(
            f"This state dict is of an already quantized eager-mode model ({packed[0]!r}): its weights are "
            "packed for one backend of PyTorch and cannot be optimized or exported again.",
            hint="Give the float model that it was quantized from.",
        )


def _unknown(shapes: Shapes) -> str:
    near: Iterable[Nearest] = (
        item for family in families() for item in family.nearest(canonical_shapes(family, shapes))
    )
    best = sorted(near, key=lambda item: item.distance)[:3]
    message = f"The {len(shapes)} tensors of this state dict fit no architecture of the catalogue."
    for item in best:
        message += f" Near: {item.name}, {item.distance} keys do not fit ({'; '.join(item.differences)})."
    if not best:
        message += f" None comes near; the first keys are {', '.join(list(shapes)[:4])}."
    return message


def describe_differences(expected: Shapes, actual: Shapes, limit: int = 3) -> tuple[int, tuple[str, ...]]:
    """How many keys differ between two sets of shapes, and the first `limit` differences in words."""
    missing = [f"{key} is missing" for key in expected if key not in actual]
    surplus = [f"{key} is unknown" for key in actual if key not in expected]
    shared = (key for key in expected if key in actual and expected[key] != actual[key])
    resized = [f"{key} is {list(actual[key])} where {list(expected[key])} is expected" for key in shared]
    differences = [*resized, *missing, *surplus]
    return len(differences), tuple(differences[:limit])
