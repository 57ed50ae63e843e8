"""Outputs are compared in a process of their own, in little memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core.domain.run import Quality
from core.errors import RuntimeFailed
from core.sandbox.process import Child
from core.serde import from_plain
from tests.memory import watched

MODULE = "core.bench.quality.comparing"


def _payload(folder: Path, **changes: Any) -> dict[str, Any]:
    for side in ("ours", "theirs"):
        (folder / side).mkdir(exist_ok=True)
    values = {"labels": [], "classes": None, "names": ["y"], "samples": 100_000, "test": 100_000}
    return {"ours": str(folder / "ours"), "theirs": str(folder / "theirs"), **values, **changes}


def test_a_confined_child_compares(tmp_path: Path) -> None:
    payload = _payload(tmp_path, classes=3, labels=[str(tmp_path / "labels.npy")])
    scores = np.random.default_rng(0).standard_normal((50, 3))
    np.save(tmp_path / "ours" / "0.npy", scores.astype(np.float32))
    np.save(tmp_path / "theirs" / "0.npy", scores)
    np.save(tmp_path / "labels.npy", scores.argmax(1))
    with Child(MODULE, reads=[tmp_path], writes=tmp_path / "out") as child:
        found = child.call("compare", payload, 60)
        whole = from_plain(found["test"], Quality)
        assert whole.accuracy is not None
        assert (whole.accuracy.value, found["search"]) == (100.0, None)
        assert whole.fidelity.outputs[0].name == "y"
        wrong = np.where(np.arange(50)[:, None] < 30, scores, -scores)
        np.save(tmp_path / "ours" / "0.npy", wrong.astype(np.float32))
        parts = child.call("compare", payload | {"test": 30}, 60)
        test, search = (from_plain(parts[part], Quality) for part in ("test", "search"))
        assert (test.accuracy and test.accuracy.value, test.fidelity.samples) == (100.0, 30)
        assert (search.accuracy and search.accuracy.value, search.fidelity.samples) == (0.0, 20)
        np.save(tmp_path / "theirs" / "0.npy", scores[:, :2])
        with pytest.raises(RuntimeFailed, match="shapes"):
            child.call("compare", payload, 60)


def test_large_outputs_take_little_memory(tmp_path: Path) -> None:
    """Sparse files: a quarter of a gigabyte each, on a few kilobytes of disk."""
    payload = _payload(tmp_path)
    for side in ("ours", "theirs"):
        np.lib.format.open_memmap(tmp_path / side / "0.npy", "w+", np.float32, (8, 8 * 1024 * 1024))
    with (
        Child(MODULE, reads=[tmp_path], writes=tmp_path / "out") as child,
        watched(psutil.Process(child.pid)) as seen,
    ):
        child.call("compare", payload, 120)
    assert max(seen) < 200e6
