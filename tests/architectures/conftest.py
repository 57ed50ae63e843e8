"""Shapes of every network of the table, without torch."""

from __future__ import annotations

import pytest

from core.architectures.shape_table import Entry, entries

SIZES = {"C": 7, "A": 7, "I": 3, "P": 197, "*": 28}
"""Values for the letters of the table: a class count of 7, colour images, 14 x 14 patches."""

Shapes = dict[str, tuple[int, ...]]


def filled(entry: Entry, **sizes: int) -> Shapes:
    values = SIZES | sizes
    return {
        key: tuple(_size(values, d) if isinstance(d, str) else d for d in pattern)
        for key, pattern in entry.patterns.items()
    }


def _size(values: dict[str, int], letter: str) -> int:
    """Return a letter's value; behind the classes' stands how many numbers each has."""
    return values[letter[0]] * int(letter[1:] or 1)


@pytest.fixture(scope="session")
def zoo() -> dict[str, Shapes]:
    """Shapes by builder, its first variant."""
    found: dict[str, Shapes] = {}
    for entry in entries():
        found.setdefault(entry.name, filled(entry))
    return found
