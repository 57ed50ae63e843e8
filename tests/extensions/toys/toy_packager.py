"""A card with a title of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.params import setting
from core.protocols import Package, Packager


@dataclass(frozen=True)
class ToyCardParams:
    title: str = setting("Card", "Title")


class ToyCard(Packager):
    id = "toy_card"
    name = "Card"
    summary = "A text with the name of the candidate."
    suffix = "txt"
    Params = ToyCardParams

    def write(self, package: Package, path: Path, params: ToyCardParams) -> None:
        path.write_text(f"{params.title}: {package.candidate.name}\n")


PACKAGER = ToyCard()
