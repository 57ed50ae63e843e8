"""The Open Inference Protocol as its own client speaks it, out of the environment of a toolchain."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.packagers.serving.kserve import PACKAGER
from core.packagers.serving.options import ServiceParams
from core.toolchains.environments import interpreter
from core.toolchains.lists import get_toolchain
from tests.packagers.serving.conftest import table, unpacked
from tests.packagers.serving.test_started import started
from tests.toolchains.test_litert import index_reached

pytestmark = pytest.mark.slow
ASK = """
import sys
import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException
client = InferenceServerClient(f"127.0.0.1:{sys.argv[1]}")
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("model")
assert not client.is_model_ready("another")
assert list(client.get_model_metadata("model").inputs[0].shape) == [-1, 4]
def ask(rows):
    given = InferInput("features", list(rows.shape), "FP32")
    given.set_data_from_numpy(rows)
    return client.infer("model", [given], outputs=[InferRequestedOutput("scores")], request_id="7")
rows = np.array([[1, 2, 3, 4], [0, 0, 0, 1]], np.float32)
answer = ask(rows)
assert answer.get_response().id == "7"
np.testing.assert_allclose(answer.as_numpy("scores"), rows @ (np.arange(12).reshape(4, 3) / 12), rtol=1e-5)
try:
    ask(rows[:, :3])
except InferenceServerException as error:
    print(error.status(), error.message())
"""


def test_the_client_of_triton_asks_it_as_it_is(tmp_path: Path) -> None:
    if not index_reached():
        pytest.skip("no package index, which the client's environment comes from")
    python = interpreter(get_toolchain("triton")).python
    folder = unpacked(table(tmp_path / "in"), ServiceParams(), tmp_path / "out", PACKAGER)
    with started(folder) as (port, _):
        asked = subprocess.run([python, "-c", ASK, str(port + 1)], capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert "INVALID_ARGUMENT inputs/features: expected the shape (batch, 4), got (2, 3)" in asked.stdout
