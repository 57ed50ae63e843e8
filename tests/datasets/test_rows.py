from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.datasets.build import build
from core.datasets.rows import Rows
from core.domain.model import SourceModel
from core.errors import CorruptFile
from tests.datasets.models import image_model, model, spec, table_model


@pytest.mark.parametrize("described", [image_model(3, 8), model(spec("input", (8, 3, 8, 8)), fixed=True)])
def test_rows_come_back_in_batches(tmp_path: Path, described: SourceModel) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=np.arange(40) % 10)
    build(tmp_path / "data.npz", tmp_path / "out", described)
    rows = Rows(tmp_path / "out", described)
    feeds = [feed for feed, _ in rows.batches("evaluation", 8)]
    fixed = described.fixed_batch is not None
    assert [len(feed["input"]) for feed in feeds] == [8, 8, 8, 8 if fixed else 6]
    assert [count for _, count in rows.batches("evaluation", 8)] == [8, 8, 8, 6]
    joined = np.concatenate([feed["input"] for feed in feeds])[: rows.evaluation_samples]
    np.testing.assert_array_equal(joined, np.load(tmp_path / "out/evaluation/0.npy"))
    assert len(next(rows.calibration())["input"]) == (8 if fixed else 1)
    assert rows.labels is not None
    assert len(rows.labels) == 30


def test_damaged_rows_are_named(tmp_path: Path) -> None:
    build(None, tmp_path / "out", table_model(4))
    (tmp_path / "out/evaluation/0.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CorruptFile, match=r"evaluation/0\.npy"):
        Rows(tmp_path / "out", table_model(4))
