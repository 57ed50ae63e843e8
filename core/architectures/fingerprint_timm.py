"""Write the table of timm's networks: `python -m core.architectures.fingerprint_timm` (some minutes).

Every builder is run twice without memory for its weights: as it is, and with other classes, channels and,
where it takes one, another image size. Where the shapes differ, a letter goes into the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from core.architectures.fingerprint import Nodes, shapes_of, write_table
from core.architectures.loading import weightless
from core.architectures.shape_table import ANY, CHANNELS, CLASSES, SIZE, Pattern

TWO_COUNTS = (1000, 7)
TWO_CHANNELS = (3, 5)
LARGEST_REST = 8
"""Class tokens, registers and the like beside the patches."""

Shapes = dict[str, tuple[int, ...]]


class Pair(NamedTuple):
    """One network in two sizes.

    Attributes:
        one: Shapes with 1,000 classes, 3 channels and the usual image size.
        two: With 7 classes, 5 channels and twice the image size where `sized`.
        config: timm's description of the first pretrained weights.
    """

    one: Shapes
    two: Shapes
    sized: bool
    config: dict[str, Any]


def pair_of(name: str) -> Pair:
    """The network `name` in two sizes; no weights are fetched."""
    create = partial(_create, name)
    network = create(num_classes=TWO_COUNTS[0])
    config = dict(network.pretrained_cfg)
    side = config["input_size"][-1]
    two: dict[str, Any] = {"num_classes": TWO_COUNTS[1]}
    for more in ({"in_chans": 5, "img_size": 2 * side}, {"in_chans": 5}, {}):
        with suppress(Exception):  # each builder refuses in its own words
            other = shapes_of(create(**two, **more))
            return Pair(shapes_of(network), other, "img_size" in more, config)
    raise RuntimeError(f"timm's {name} cannot be built with {TWO_COUNTS[1]} classes")


def _create(name: str, **options: Any) -> Any:
    """A network for its shapes alone; hybrids run a part of themselves, which the meta device bears too."""
    import timm
    import torch

    try:
        with weightless():
            return timm.create_model(name, pretrained=False, **options)
    except (RuntimeError, NotImplementedError):
        with torch.device("meta"):
            return timm.create_model(name, pretrained=False, **options)


def patterns_of(pair: Pair) -> dict[str, Pattern]:
    """Shape pattern by key."""
    return {key: _blanked(shape, pair.two.get(key, shape), pair.sized) for key, shape in pair.one.items()}


def _blanked(one: tuple[int, ...], two: tuple[int, ...], sized: bool) -> Pattern:
    letters = {TWO_COUNTS: CLASSES, TWO_CHANNELS: CHANNELS}
    changed = f"{SIZE}{{}}" if sized else ANY
    pairs = zip(one, two if len(two) == len(one) else one, strict=True)
    return tuple(a if a == b else letters.get((a, b), changed.format(a)) for a, b in pairs)


def size_rule(pair: Pair) -> list[Any]:
    """Which number tells the image size: key, dimension, power, pixels of a patch and what stands beside.

    The number is `(size / patch) ** power + rest`; nothing where none of them is of that form.
    """
    side = pair.config["input_size"][-1] if pair.sized else 0
    for key, dimension, at_one, at_two in _growing(pair):
        for power in (1, 2):
            patch = round((side**power * (2**power - 1) / (at_two - at_one)) ** (1 / power))
            rest = at_one - (side // patch) ** power if patch else 0
            if patch and 0 <= rest <= LARGEST_REST and (2 * side // patch) ** power + rest == at_two:
                return [key, dimension, power, patch, rest]
    return []


def _growing(pair: Pair) -> Iterator[tuple[str, int, int, int]]:
    if not pair.sized:
        return
    for key, pattern in patterns_of(pair).items():
        for dimension, letter in enumerate(pattern):
            if isinstance(letter, str) and letter.startswith(SIZE):
                one, two = pair.one[key][dimension], pair.two[key][dimension]
                if two > one:
                    yield key, dimension, one, two


def preprocessing(config: dict[str, Any]) -> dict[str, Any]:
    """What timm does to pictures before this network, in the words of `Preprocessing`."""
    return {
        "mean": [round(value, 6) for value in config["mean"]],
        "std": [round(value, 6) for value in config["std"]],
        "crop": config["crop_pct"],
        "resize": "stretch" if config["crop_mode"] == "squash" else "crop",
        "interpolation": config["interpolation"],
    }


def line(nodes: Nodes, name: str, pair: Pair) -> dict[str, Any]:
    """The table's line on the network `name`."""
    more = {"size": size_rule(pair), "pixels": preprocessing(pair.config)}
    return nodes.network(name, {}, pair.config["input_size"], patterns_of(pair), more)


def write() -> None:
    """Write the table."""
    import timm

    nodes = Nodes()
    networks = [line(nodes, name, pair_of(name)) for name in timm.list_models()]
    write_table("timm", timm.__version__, networks, nodes)


if __name__ == "__main__":
    write()
