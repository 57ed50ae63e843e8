from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.datasets.random_inputs import DATASET, RandomParams
from core.domain.model import SourceModel
from core.protocols import Feed
from tests.datasets.models import model, spec

TEXT = model(
    spec("input_ids", ("batch", "seq"), "int64", 1000),
    spec("attention_mask", ("batch", "seq"), "int64"),
    spec("token_type_ids", ("batch", "seq"), "int64"),
    spec("flag", ("batch",), "bool"),
    spec("image", ("batch", 3, 4, 4)),
    symbols={"seq": 7},
)


def draw(seed: int = 0, samples: int = 64) -> Feed:
    assert not DATASET.recognizes(Path("anything"))
    return DATASET.prepare(Path("random"), Path("unused"), TEXT, RandomParams(samples, seed)).inputs


def test_inputs_fit_the_description() -> None:
    found = draw()
    assert found["input_ids"].shape == (64, 7)
    assert found["input_ids"].min() >= 0
    assert 500 < found["input_ids"].max() < 1000
    assert found["attention_mask"].all()
    assert not found["token_type_ids"].any()
    assert found["flag"].all()
    assert abs(found["image"].mean()) < 0.1
    assert abs(found["image"].std() - 1) < 0.1


def test_the_page_says_what_was_drawn() -> None:
    speech = model(spec("feats", ("batch", 9, 4)), spec("lengths", ("batch",), "int64"))
    drawn = DATASET.prepare(Path("random"), Path("unused"), speech, RandomParams(16))
    assert drawn.preparation["lengths"] == "the length of the sequence"
    assert set(drawn.inputs["lengths"].tolist()) == {4}


def test_a_heavy_model_gets_fewer_samples() -> None:
    heavy, light = (replace(model(spec("x", ("batch", 3))), macs=macs) for macs in (11 * 10**9, None))

    def samples(of: SourceModel) -> int:
        return len(DATASET.prepare(Path("random"), Path("unused"), of, RandomParams()).inputs["x"])

    assert (samples(heavy), samples(light)) == (36, 256)


def test_the_seed_decides() -> None:
    np.testing.assert_array_equal(draw()["image"], draw()["image"])
    assert (draw()["image"] != draw(1)["image"]).any()


def test_a_fixed_batch_still_gives_single_rows() -> None:
    fixed = model(spec("x", (8, 3)), fixed=True)
    found = DATASET.prepare(Path("random"), Path("unused"), fixed, RandomParams(20)).inputs["x"]
    assert found.shape == (20, 3)
    assert len(np.unique(found[:, 0])) == 20
