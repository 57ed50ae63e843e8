"""The lines of C++ in kits: built as their first lines say, they compute what Python does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.registry import get_runtime, get_target
from core.sandbox.compilers import compiler
from tests.runtimes import networks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler"),
]
PREFIX = "//     "


def instructions(lines: str) -> str:
    """Return the shell lines at the top, up to where the inputs are made."""
    shown = [line.removeprefix(PREFIX) for line in lines.splitlines() if line.startswith(PREFIX)]
    return "\n".join(shown).partition('python -c "import torch; torch.save')[0]


@pytest.mark.parametrize("name", ["torchscript", "aotinductor"])
def test_it_computes_what_python_does(name: str, tmp_path: Path) -> None:
    module, model = networks.several()
    runtime = get_runtime(name)
    artifact = networks.save(module, model, next(iter(runtime.formats)), tmp_path / "model")
    (client,) = (each for each in get_target(name).clients if each.language == "C++")
    lines = client.text
    (tmp_path / client.file).write_text(lines)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "-ec", instructions(lines)], cwd=tmp_path, env={"PATH": path}, check=True)
    feed, inputs = networks.feed_of(model, 3), []
    for number, array in enumerate(feed.values()):
        inputs.append(tmp_path / f"{number}.pt")
        torch.save(torch.from_numpy(array), inputs[-1])
    subprocess.run([tmp_path / "main", artifact.path, tmp_path / "outputs.pt", *inputs], check=True)
    found = torch.load(tmp_path / "outputs.pt", weights_only=True)
    found = [found] if isinstance(found, torch.Tensor) else list(found)
    for ours, theirs in zip(found, networks.expected(module, feed), strict=True):
        torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-4, atol=1e-5)
