"""What a person should know of a technique, runtime or format before choosing it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Picture(StrEnum):
    """What the picture of a page shows; it is drawn from values, not stored."""

    NONE = ""
    FLOATS = "floats"
    """Bits of number formats: sign, exponent, fraction."""
    LEVELS = "levels"
    """Values rounded to the levels of few bits."""
    BLOCKS = "blocks"
    """Values in blocks, each with a scale of its own."""
    LAYERS = "layers"
    """A chain of layers, each in the precision that suits it."""
    CHANNELS = "channels"
    """A weight matrix without some of its rows."""
    WEIGHTS = "weights"
    """A weight matrix with single zeros."""
    DEPTH = "depth"
    """A chain of residual blocks without some of them."""
    FACTORS = "factors"
    """A matrix as the product of two thinner ones."""
    CURVE = "curve"
    """Accuracy given back by training, step by step."""
    CHAIN = "chain"
    """From one form of the model to the next."""


@dataclass(frozen=True)
class Learn:
    """A short page on one technique, runtime or format.

    Attributes:
        does: What it does, in two or three sentences.
        costs: What it costs: accuracy, time to build, data, freedom.
        choose: When to choose it, and when not.
        expect: The rule of thumb in figures, beside which a person's own are shown.
        picture: What its picture shows.
    """

    does: str
    costs: str
    choose: str
    expect: str
    picture: Picture = Picture.CHAIN
