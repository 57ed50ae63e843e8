"""Two thousand broken files, opened as the app opens them, end in an answer or in an error of ours."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from core.domain.model import SourceModel
from core.protocols import InspectOptions
from core.sandbox.process import Child
from core.serde import from_plain
from core.sources.describe import UNIT as INSPECT
from core.sources.describe import InspectRequest
from sample_models.catalogue import by_id
from tests.fuzz import corpus
from tests.fuzz.bench import Bench, Tally
from tests.fuzz.corpus import Seed
from tests.orders import MODULE, do
from tests.sandbox.conftest import needs_confinement

pytestmark = needs_confinement
MANY = int(os.environ.get("FUZZ_FILES", "2000"))
START = int(os.environ.get("FUZZ_SEED", "0"))


def described(folder: Path) -> dict[str, SourceModel]:
    """Return what data must fit."""
    found = {}
    with Child(MODULE, reads=[by_id("cancer-mlp").folder.parent], writes=folder) as child:
        for sample_id in ("cancer-mlp", "digits-resnet"):
            path = by_id(sample_id).files["onnx"]
            unit = INSPECT.unit(InspectRequest(path, InspectOptions()))
            reply = do(child, unit, folder / sample_id, 60)
            found[sample_id] = from_plain(reply["values"]["model"], SourceModel)
    return found


def attack(folder: Path, seeds: list[Seed], count: int) -> Tally:
    """Open `count` broken files, the same ones every time."""
    models = described(folder / "described")
    with Bench(folder / "bench", models) as bench:
        for number in range(START, START + count):
            seed = seeds[number % len(seeds)]
            bench.open(seed, seed.broken(random.Random(number)), str(number))
        return bench.finish()


@pytest.mark.timeout(120)
def test_sixty_broken_files(tmp_path: Path) -> None:
    light = {"cancer-mlp.onnx", "cancer-mlp.pth", "weights.safetensors", "rows.csv", "rows.npz", "images.zip"}
    seeds = [seed for seed in [*corpus.models(), *corpus.data()] if seed.name in light]
    tally = attack(tmp_path, seeds, 60)
    assert not tally.faults
    assert tally.codes.total() == 60
    assert tally.codes["accepted"] < 40, "the changes hardly break anything"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_broken_files(tmp_path: Path) -> None:
    tally = attack(tmp_path, [*corpus.models(), *corpus.data()], MANY)
    print(dict(tally.codes), f"{tally.deaths} deaths, slowest {tally.slowest}")
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.codes.total() == MANY
