from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.datasets.build import build
from core.datasets.rows import build_rows, evaluation_rows
from core.domain.model import SourceModel
from core.errors import CorruptFile
from tests.datasets.models import image_model, model, spec, table_model


@pytest.mark.parametrize("described", [image_model(3, 8), model(spec("input", (8, 3, 8, 8)), fixed=True)])
def test_rows_come_back_in_batches(tmp_path: Path, described: SourceModel) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=np.arange(40) % 10)
    build(tmp_path / "data.npz", tmp_path / "out", described)
    rows = evaluation_rows(tmp_path / "out", described)
    feeds = [feed for feed, _ in rows.batches(8)]
    fixed = described.fixed_batch is not None
    assert [len(feed["input"]) for feed in feeds] == [8, 8, 8, 8 if fixed else 6]
    assert [count for _, count in rows.batches(8)] == [8, 8, 8, 6]
    joined = np.concatenate([feed["input"] for feed in feeds])[: rows.samples]
    parts = [np.load(tmp_path / f"out/{part}/0.npy") for part in ("evaluation", "search")]
    assert list(map(len, parts)) == [20, 10]
    np.testing.assert_array_equal(joined, np.concatenate(parts))
    shuffled = list(rows.labelled(8, seed=1))
    assert [len(labels) for _, labels in shuffled if labels is not None] == [8, 8, 8, 8]
    taken = np.concatenate([feed["input"] for feed, _ in shuffled])[:30]
    assert sorted(row.tobytes() for row in taken) == sorted(row.tobytes() for row in joined)
    assert taken.tobytes() != joined.tobytes()
    built = build_rows(tmp_path / "out", described)
    assert len(next(built.calibration.batches(1))[0]["input"]) == (8 if fixed else 1)
    assert rows.labels is not None
    assert len(rows.labels) == 30


def test_damaged_rows_are_named(tmp_path: Path) -> None:
    build(None, tmp_path / "out", table_model(4))
    (tmp_path / "out/evaluation/0.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CorruptFile, match=r"evaluation/0\.npy"):
        evaluation_rows(tmp_path / "out", table_model(4))


def test_what_builds_needs_no_test_rows_and_finds_none(tmp_path: Path) -> None:
    build(None, tmp_path / "out", table_model(4), {"samples": 64})
    shutil.rmtree(tmp_path / "out/evaluation")
    rows = build_rows(tmp_path / "out", table_model(4))
    assert rows.search is not None
    assert (rows.calibration.samples, rows.search.samples, rows.training) == (16, 16, None)
    # Data sets of old have no search part.
    shutil.rmtree(tmp_path / "out/search")
    assert build_rows(tmp_path / "out", table_model(4)).search is None
