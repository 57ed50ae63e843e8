"""The measuring process, from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bench.timing.endpoint import Endpoint, Host
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Target
from core.protocols import LocalArtifact

WIDTH = 1 << 20


@pytest.fixture
def wide(tmp_path: Path) -> Endpoint:
    """Return a TorchScript module whose every call holds eight blocks of 4 MB and frees them all."""
    torch = pytest.importorskip("torch")

    class Wide(torch.nn.Module):  # type: ignore[name-defined,misc]
        def forward(self, x):  # type: ignore[no-untyped-def]
            held = [x + 1.0, x + 2.0, x + 3.0, x + 4.0, x + 5.0, x + 6.0, x + 7.0, x + 8.0]
            return torch.stack([each.sum(1) for each in held]).sum(0)

    path = tmp_path / "wide.pt"
    torch.jit.script(Wide().eval()).save(str(path))
    model = SourceModel(
        id="w", name="wide", format="torchscript", files=(), sha256="",
        inputs=(TensorSpec("x", "float32", ("batch", WIDTH)),),
        outputs=(TensorSpec("y", "float32", ("batch",)),),
        symbols={"batch": 1}, batch_symbol="batch", parameters=0, macs=None, size_bytes=1, classes=None,
    )  # fmt: skip
    return Endpoint(LocalArtifact("torchscript", path, (path,)), Target("torchscript"), model)


def test_a_warm_process_faults_in_no_memory_from_call_to_call(wide: Endpoint, tmp_path: Path) -> None:
    with Host(wide, tmp_path / "out", None, set()) as host:
        host.open()
        pid = host._child._process.pid
        host.block(20, 0.0)
        before = _faults(pid)
        host.block(100, 0.0)
        assert (_faults(pid) - before) / 100 < WIDTH * 4 / 4096 / 10


def _faults(pid: int) -> int:
    """Return the minor page faults of a process so far."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[7])
