"""TorchServe archives: what is in them, and the real server."""

from __future__ import annotations

import io
import json
import shutil
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.packagers.servers.torchserve import PACKAGER
from core.toolchains.environments import folder_of, interpreter
from core.toolchains.lists import get_toolchain
from tests.packagers.servers.conftest import free_ports, golden_sent, laid_out, running
from tests.packagers.serving.conftest import picture, table
from tests.toolchains.test_litert import index_reached


def properties(folder: Path) -> dict[str, str]:
    lines = (folder / "config.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_archive_has_handler_core_and_kit(tmp_path: Path) -> None:
    made = laid_out(PACKAGER, picture(tmp_path / "in"), tmp_path / "out")
    with zipfile.ZipFile(made / "model_store/pets.mar") as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("MAR-INF/MANIFEST.json"))
        assert manifest["model"]["handler"] in names
        settings = json.loads(archive.read("service.json"))
    assert {
        "models/v1/manifest.json",
        "models/v1/session.py",
        "serving/http.py",
        "serving/images.py",
    } <= names
    assert settings["features"] == ["batching"]
    assert "serving/batching.py" in names
    served = json.loads(properties(made)["models"])["pets"]["1.0"]
    assert (served["batchSize"], served["minWorkers"]) == (8, 2)
    assert not (made / "model_store" / "pets").exists()
    assert (made / "proof/golden.npz").is_file()


def test_requests_run_alone_where_that_was_chosen(tmp_path: Path) -> None:
    made = laid_out(PACKAGER, table(tmp_path / "in"), tmp_path / "out", batching=False, instances=1)
    with zipfile.ZipFile(made / "model_store/table_net.mar") as archive:
        assert "serving/batching.py" not in archive.namelist()
    assert json.loads(properties(made)["models"])["table_net"]["1.0"]["batchSize"] == 1


def test_equal_packages_give_equal_bytes(tmp_path: Path) -> None:
    made = [laid_out(PACKAGER, table(tmp_path / each), tmp_path / f"{each}-out") for each in ("a", "b")]
    assert len({(each.parent / "made.zip").read_bytes() for each in made}) == 1
    assert not list(made[0].parent.glob("*.mar"))


@pytest.fixture
def environment(data_dir: Path) -> Path:
    """Return the environment that holds TorchServe."""
    if shutil.which("java") is None or not index_reached():
        pytest.skip("Java is not installed, or no package index can be reached")
    toolchain = get_toolchain("torchserve")
    interpreter(toolchain)
    return folder_of(toolchain)


def asked(port: int, body: bytes, kind: str) -> tuple[int, bytes]:
    address = f"http://127.0.0.1:{port}/predictions/pets"
    request = urllib.request.Request(address, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_server_gives_the_measured_outputs(environment: Path, tmp_path: Path) -> None:
    made = laid_out(PACKAGER, picture(tmp_path / "in"), tmp_path / "out", instances=1)
    port, *others = free_ports(5)
    names = ("management", "metrics", "grpc", "grpc-management")
    words = ["--torchserve", str(environment), "--http-port", str(port)]
    words += [
        word for name, other in zip(names, others, strict=True) for word in (f"--{name}-port", str(other))
    ]
    with running(made, words):
        told = golden_sent(made, port)
        assert told.returncode == 0, told.stdout + told.stderr + (made / "log.txt").read_text()[-3000:]
        stream, pixels = io.BytesIO(), np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(stream, "PNG")
        status, body = asked(port, stream.getvalue(), "image/png")
        assert status == 200
        assert json.loads(body)["top"][0][0]["class"] in ("cat", "dog", "eel", "fox")
        whole = json.dumps({"inputs": {"x": np.zeros((1, 3, 16, 12)).tolist()}}).encode()
        assert json.loads(asked(port, whole, "application/json")[1])["outputs"]["y"] == [[0.0] * 4]
        for body, kind, wanted in (
            (b'{"inputs": {"x": "no"}}', "application/json", 422),
            (b"junk", "application/x-npz", 422),
            (b"junk", "text/html", 415),
        ):
            status, answer = asked(port, body, kind)
            assert status == wanted, answer
            assert b"detail" in answer
