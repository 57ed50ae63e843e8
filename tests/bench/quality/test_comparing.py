"""Outputs are compared in a process of their own, in little memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from msgspec.structs import replace

from core.bench.quality.comparing import UNIT, CompareRequest
from core.domain.quality import Quality
from core.errors import RuntimeFailed
from core.protocols import LabelledOutput
from core.sandbox.process import Child
from core.serde import from_plain
from tests.memory import watched
from tests.orders import MODULE, do


def _request(folder: Path, **changes: Any) -> CompareRequest:
    for side in ("ours", "theirs"):
        (folder / side).mkdir(exist_ok=True)
    made = CompareRequest(folder / "ours", folder / "theirs", (), None, "", None, ("y",), 100_000, 100_000)
    return replace(made, **changes)


def test_a_confined_child_compares(tmp_path: Path) -> None:
    request = _request(
        tmp_path,
        classes=3,
        labels=(tmp_path / "labels.npy",),
        judged=LabelledOutput("other", (), 3),
        metric="top1",
    )
    scores = np.random.default_rng(0).standard_normal((50, 3))
    np.save(tmp_path / "ours" / "0.npy", scores.astype(np.float32))
    np.save(tmp_path / "theirs" / "0.npy", scores)
    np.save(tmp_path / "labels.npy", scores.argmax(1))
    with Child(MODULE, reads=[tmp_path], writes=tmp_path / "out") as child:
        found = do(child, UNIT.unit(request), tmp_path / "out")["values"]
        whole = from_plain(found["test"], Quality)
        assert whole.accuracy is not None
        assert (whole.accuracy.value, found["search"]) == (100.0, None)
        assert whole.fidelity.outputs[0].name == "y"
        wrong = np.where(np.arange(50)[:, None] < 30, scores, -scores)
        np.save(tmp_path / "ours" / "0.npy", wrong.astype(np.float32))
        parts = do(child, UNIT.unit(replace(request, test=30)), tmp_path / "out")["values"]
        test, search = (from_plain(parts[part], Quality) for part in ("test", "search"))
        assert (test.accuracy and test.accuracy.value, test.fidelity.samples) == (100.0, 30)
        assert (search.accuracy and search.accuracy.value, search.fidelity.samples) == (0.0, 20)
        np.save(tmp_path / "theirs" / "0.npy", scores[:, :2])
        with pytest.raises(RuntimeFailed, match="shapes"):
            do(child, UNIT.unit(request), tmp_path / "out")


def test_large_outputs_take_little_memory(tmp_path: Path) -> None:
    """Sparse files: a quarter of a gigabyte each, on a few kilobytes of disk."""
    request = _request(tmp_path)
    for side in ("ours", "theirs"):
        np.lib.format.open_memmap(tmp_path / side / "0.npy", "w+", np.float32, (8, 8 * 1024 * 1024))
    with (
        Child(MODULE, reads=[tmp_path], writes=tmp_path / "out") as child,
        watched(psutil.Process(child.pid)) as seen,
    ):
        do(child, UNIT.unit(request), tmp_path / "out")
    assert max(seen) < 200e6
