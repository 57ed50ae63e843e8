"""One file each adds a format, a source, a technique, a runtime and a kind of download to everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import registry
from core.errors import InvalidRequest
from core.settings import get_settings

TOYS = Path(__file__).with_name("toys")
ROOT = Path(__file__).resolve().parents[2]


def whetstone(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line with the toys, in processes of its own."""
    env = {**os.environ, "WHETSTONE_EXTENSIONS": str(TOYS), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "core", *words], cwd=folder, env=env, capture_output=True, text=True
    )


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "toy.model"
    with path.open("wb") as file:
        np.savez(file, toy_weights=np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32))
    return path


@pytest.mark.slow
def test_toys_are_exported_and_go_home_in_verified_kits(upload: Path, tmp_path: Path) -> None:
    to = "toy:fp16,toy_phone,toy,toy:int8_static"
    done = whetstone("export", str(upload), "--to", to, "--out", "out", "--json", folder=tmp_path)
    assert done.returncode == 3, done.stderr  # one of them is spoiled
    results = json.loads(done.stdout)
    baseline, rounded, phone, spoiled = results["candidates"]
    assert [baseline["status"], rounded["status"]] == ["done", "done"], done.stderr
    assert rounded["name"] == "Rounded (two digits) · Toy NumPy"
    assert rounded["other_batch"]["batch"] == 3
    for found in (rounded["fidelity"], rounded["other_batch"]["fidelity"]):
        assert found["outputs"][0]["cosine"] > 0.999
        assert found["outputs"][0]["max_rel_error"] < 0.01

    exports = [(each["target"], each["precision"], each["candidate"]) for each in results["exports"]]
    assert exports == [
        ("toy", "fp16", rounded["id"]),
        ("toy_phone", "fp32", phone["id"]),
        ("toy", "fp32", baseline["id"]),
        ("toy", "int8_static", spoiled["id"]),
    ]
    assert spoiled["status"] == "failed"
    assert spoiled["error"]["code"] == "out_of_tolerance"
    assert "dB at least" in spoiled["error"]["message"]
    assert {each["batch"] for each in spoiled["error"]["figures"]} == {None, 3}
    assert spoiled["error"]["figures"][0]["sqnr_db"] < 3
    assert spoiled["artifact"] is None
    guide = {each["scenario"]: each for each in results["format_guide"]}
    assert guide["ios"]["export"] == "toy_phone:fp32"
    assert "runs elsewhere" in guide["ios"]["measured"]
    assert guide["prototype"]["export"] == "toy:fp16"
    assert "Toy NumPy in INT8 static was passed over: it failed here." in guide["prototype"]["why"]

    assert phone["status"] == "unmeasured"
    assert not phone["on_front"]
    assert phone["latency_ms"] is None
    assert "This is no phone." in phone["error"]["message"]
    assert phone["error"]["hint"] == "Any phone with two matrices. Take the model to a phone."
    assert (tmp_path / "out" / phone["artifact"]).suffix == ".phone"
    assert "Take the model to a phone." in done.stderr

    with zipfile.ZipFile(next((tmp_path / "out" / "kits").glob("*.zip"))) as kit:
        assert kit.read("clients/main.c").decode() == 'open("model.phone");\n'
        told = json.loads(kit.read("manifest.json"))
        assert (told["latency_ms"], told["tolerance"]) == (None, 0.01)
        assert "Not measured yet" in kit.read("README.md").decode()

    written = whetstone("kit", rounded["id"], folder=tmp_path)
    assert written.returncode == 0, written.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.zip"))) as kit:
        kit.extractall(tmp_path / "kit")
    manifest = json.loads((tmp_path / "kit" / "manifest.json").read_text())
    assert manifest["tolerance"] == 0.02
    verified = subprocess.run(
        [sys.executable, tmp_path / "kit" / "verify.py"], capture_output=True, text=True
    )
    assert "whole and works" in verified.stdout, verified.stderr

    card = whetstone("kit", rounded["id"], "--packager", "toy_card:title=Mine", folder=tmp_path)
    assert card.returncode == 0, card.stderr
    assert next(tmp_path.glob("*.txt")).read_text() == "Mine: Rounded (two digits) · Toy NumPy\n"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let the registry look again, in the test and after it."""
    caches = (get_settings, registry._found, registry._own_modules)
    yield monkeypatch
    monkeypatch.undo()
    for each in caches:
        each.cache_clear()


def look(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("WHETSTONE_EXTENSIONS", str(folder))
    for each in (get_settings, registry._found, registry._own_modules):
        each.cache_clear()


def test_none_is_read_unless_it_is_asked_for() -> None:
    assert not any("toy" in key for key in (*registry.passes(), *registry.runtimes(), *registry.formats()))


def test_a_folder_that_anybody_may_write_to_is_refused(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    look(fresh, folder)
    with pytest.raises(InvalidRequest, match="may be written by anybody"):
        registry.passes()


def test_a_file_that_anybody_may_write_to_is_refused(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir(mode=0o755)
    (folder / "open.py").write_text("raise SystemExit")
    (folder / "open.py").chmod(0o666)
    look(fresh, folder)
    with pytest.raises(InvalidRequest, match="may be written by anybody"):
        registry.passes()


@pytest.mark.parametrize(
    ("made", "says"), [("'int8_dynamic'", "another PASS has it"), ("['x']", r"is \['x'\]")]
)
def test_an_id_that_is_taken_or_none_is_named(
    fresh: pytest.MonkeyPatch, tmp_path: Path, made: str, says: str
) -> None:
    folder = tmp_path / "own"
    folder.mkdir(mode=0o755)
    (folder / "twice.py").write_text(f"class Twice:\n    id = {made}\n\nPASS = Twice()\n")
    look(fresh, folder)
    with pytest.raises(InvalidRequest, match=says) as caught:
        registry.passes()
    assert "twice.py" in caught.value.message


@pytest.mark.parametrize("text", ["import nothing_of_this_name", "PASS = (", "raise SystemExit(0)"])
def test_a_broken_extension_is_named(fresh: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "own"
    folder.mkdir(mode=0o755)
    (folder / "broken.py").write_text(text)
    look(fresh, folder)
    with pytest.raises(InvalidRequest, match=r"broken\.py cannot be loaded"):
        registry.passes()
