"""Lines of other languages: what a compiler is here for is built as its first lines say, and run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.registry import targets
from core.sandbox.compilers import compiler
from tests.runtimes import networks

PREFIX = "//     "
ALL = [(each.id, client) for each in targets().values() for client in each.clients]


def commands(text: str) -> str:
    """Return the shell lines at the top."""
    lines = [line.removeprefix(PREFIX) for line in text.splitlines() if line.startswith(PREFIX)]
    return "\n".join(lines)


@pytest.mark.parametrize(("target", "client"), ALL, ids=[f"{name}-{each.file}" for name, each in ALL])
def test_each_file_says_what_language_it_is_and_loads_the_model(target: str, client: object) -> None:
    language, file, text, tried = (getattr(client, name) for name in ("language", "file", "text", "tried"))
    assert language
    assert Path(file).name == file
    assert "{model}" in text
    assert not tried or tried.endswith(".")


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
def test_executorchs_cpp_computes_what_python_does(tmp_path: Path) -> None:
    module, model = networks.perceptron()
    networks.save(module, model, "pte", tmp_path / "model")
    (client,) = (each for each in targets()["executorch"].clients if each.language == "C++")
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / client.file).write_text(client.text.replace("{model}", "model.pte"))
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    shell = ["bash", "-ec", commands(client.text)]
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [float(line) for line in done.stdout.split()]
    (wanted,) = networks.expected(module, {"features": np.full((1, 6), 0.5, np.float32)})
    np.testing.assert_allclose(found, wanted[0], rtol=1e-4, atol=1e-5)
