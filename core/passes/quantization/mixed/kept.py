"""Times and sensitivities of layers, kept for later searches on the same model, data and machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from core.passes.quantization.mixed.layer_times import LayerTimes

FILE = "sensitivities.json"


class Kept(msgspec.Struct):
    """What a search found out that does not depend on its limits.

    Attributes:
        key: Of what it was found for: layers, how they were quantized, machine and target.
        times: Of the groups of layers, all in 8 bits and none.
        silence: Noise with no region in 8 bits.
        total: Noise of all regions in 8 bits, above that; None before anything was heard.
        heard: Noise of each stretch of regions, by its start and end: a later search goes on halving them.
    """

    key: str
    times: tuple[LayerTimes, LayerTimes]
    silence: float = 0.0
    total: float | None = None
    heard: dict[tuple[int, int], float] = {}

    def hears(self, regions: int) -> bool:
        """Whether what was heard is of all of so many regions, each once."""
        ends = [0, *(end for _, end in sorted(self.heard))]
        return ends[:-1] == sorted(start for start, _ in self.heard) and ends[-1] == regions


class _File(msgspec.Struct):
    kept: Kept
    stretches: list[tuple[int, int, float]]


def load(folder: Path | None, key: str, groups: int) -> Kept | None:
    """Return what earlier searches kept in `folder` for `key`; None where nothing of that can be read."""
    if folder is None:
        return None
    with suppress(OSError, msgspec.DecodeError, RecursionError):
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=_File)
        heard = {(start, end): noise for start, end, noise in found.stretches}
        known = found.kept.key == key and all(len(each.groups) == groups for each in found.kept.times)
        return msgspec.structs.replace(found.kept, heard=heard) if known else None
    return None


def save(folder: Path | None, kept: Kept) -> None:
    """Keep it for later searches, where there is a folder for that."""
    if folder is None:
        return
    stretches = [(start, end, noise) for (start, end), noise in kept.heard.items()]
    new = folder / f".{FILE}"
    new.write_bytes(msgspec.json.encode(_File(msgspec.structs.replace(kept, heard={}), stretches)))
    new.replace(folder / FILE)
