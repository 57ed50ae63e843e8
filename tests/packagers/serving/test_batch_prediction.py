"""Batch prediction gives every row of a file its outputs, and goes on where it was ended."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import csv as tables
from pyarrow import parquet

from core.packagers.serving.options import ServiceParams
from core.protocols import Package
from tests.packagers.serving.conftest import imported, picture, table, tokens, unpacked

Run = Callable[..., tuple[int, dict[str, Any]]]
FEATURES = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
SCORES = FEATURES @ (np.arange(12, dtype=np.float32).reshape(4, 3) / 12)


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    made = io.BytesIO()
    told = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(made, told)
    return made.getvalue()


BOMB, TEXTS = header((1 << 50, 4)), header((1,), "<U1") + bytes(4)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run the command of a service within this process; give its exit code and what it printed last."""
    folders = []

    def command(make: Callable[[Path], Package], *arguments: Any) -> tuple[int, dict[str, Any]]:
        if not folders:
            made = unpacked(make(tmp_path / "in"), ServiceParams(batch_prediction=True), tmp_path / "made")
            folders.append(made)
        monkeypatch.setattr(sys, "argv", ["batch", *map(str, arguments)])
        with imported(folders[0]):
            code = importlib.import_module("serving.batch").main()
        said = capsys.readouterr()
        return code, json.loads(said.out.splitlines()[-1]) if code < 2 else {"error": said.err}

    return command


def saved(path: Path, rows: int = 50) -> Path:
    np.savez(path, features=np.resize(FEATURES, (rows, 4)))
    return path


def test_arrays_come_out_as_arrays(run: Run, tmp_path: Path) -> None:
    code, told = run(table, saved(tmp_path / "data.npz"), tmp_path / "out", "--part", 20)
    assert (code, told["rows"], told["failed"]) == (0, 50, 0)
    found = [np.load(path) for path in sorted((tmp_path / "out").glob("part-*.npz"))]
    assert [len(each["row"]) for each in found] == [20, 20, 10]
    np.testing.assert_allclose(np.concatenate([each["output scores"] for each in found]), SCORES, rtol=1e-4)


def test_a_cell_that_is_no_number_costs_one_row(run: Run, tmp_path: Path) -> None:
    cells: list[list[Any]] = [["a", "b", "c", "d", "label"], *([*row, "x"] for row in FEATURES.tolist())]
    cells[8][2] = "oops"
    with (tmp_path / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows(cells)
    code, told = run(table, tmp_path / "data.csv", tmp_path / "out")
    assert (code, "these are 5 columns: a, b, c, d, label" in told["error"]) == (2, True)
    code, told = run(table, tmp_path / "data.csv", tmp_path / "out", "--leave-out", "label")
    assert (code, told["rows"], told["failed"]) == (1, 50, 1)
    found = tables.read_csv(tmp_path / "out" / "part-000000.csv").to_pylist()
    assert [each["row"] for each in found if each["error"]] == [7]
    assert found[7]["class"] == ""
    for row, scores in zip(found[8:], SCORES[8:], strict=True):
        assert [row[f"output scores {index}"] for index in range(3)] == pytest.approx(scores, rel=1e-3)
        chance = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        assert (row["class"], row["probability"]) == ("abc"[scores.argmax()], pytest.approx(chance.max()))


def test_columns_and_lists_of_parquet_become_inputs(run: Run, tmp_path: Path) -> None:
    columns = {name: FEATURES[:, index] for index, name in enumerate("abcd")}
    for number, held in enumerate((columns, {"id": range(50), "features": list(FEATURES)})):
        parquet.write_table(pa.table(held), tmp_path / "data.parquet", row_group_size=7)
        out = tmp_path / str(number)
        assert run(table, tmp_path / "data.parquet", out)[0] == 0
        found = parquet.read_table(out / "part-000000.parquet")["output scores"].to_pylist()
        np.testing.assert_allclose(found, SCORES, rtol=1e-4)


def test_rows_of_other_lengths_run_apart(run: Run, tmp_path: Path) -> None:
    ids = [[1, 2], [3], [4, 5], [99]]
    held = {"input_ids": ids, "attention_mask": [[1, 1], [1], [1, 0], [1]]}
    parquet.write_table(pa.table(held), tmp_path / "data.parquet")
    code, told = run(tokens, tmp_path / "data.parquet", tmp_path / "out")
    found = parquet.read_table(tmp_path / "out" / "part-000000.parquet").to_pylist()
    assert (code, told["failed"]) == (1, 1)
    assert [each["output hidden"] for each in found] == [[1, 2], [3], [4, 0], None]
    assert found[3]["error"] == "expected values from 0 to 9"


def test_images_are_prepared_as_in_the_measurement(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "pictures" / "of pets"
    kept.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (30, 40), (80 * number, 10, 200)).save(kept / f"{number}.png")
    (kept / "broken.jpg").write_bytes(b"nothing")
    code, told = run(picture, tmp_path / "pictures", tmp_path / "out")
    found = tables.read_csv(tmp_path / "out" / "part-000000.csv").to_pylist()
    assert (code, told["rows"]) == (1, 4)
    assert [each["file"] for each in found] == [
        f"of pets/{name}" for name in ("0.png", "1.png", "2.png", "broken.jpg")
    ]
    assert "expected an image" in found[3]["error"]
    assert {each["class"] for each in found[:3]} <= {"cat", "dog", "eel", "fox"}


def test_what_is_there_is_kept_and_what_is_not_is_made(run: Run, tmp_path: Path) -> None:
    data, out = saved(tmp_path / "data.npz"), tmp_path / "out"
    run(table, data, out, "--part", 20)
    parts = sorted(out.glob("part-*"))
    before = [path.stat().st_mtime_ns for path in parts[:2]]
    whole = parts[2].read_bytes()
    parts[2].replace(out / f"{parts[2].name}.partial")
    code, told = run(table, data, out, "--part", 20)
    assert (code, told["before"], told["rows"]) == (0, 40, 50)
    assert [path.stat().st_mtime_ns for path in parts[:2]] == before
    assert parts[2].read_bytes() == whole
    code, told = run(table, data, out, "--part", 10)
    assert (code, "holds a job of another part" in told["error"]) == (2, True)
    code, told = run(table, saved(data, 60), out, "--part", 20)
    assert (code, "holds a job of another data" in told["error"]) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data.npz", b"nothing", "data.npz"),
        ("data.parquet", b"nothing", "arquet"),
        ("data.xyz", b"nothing", "ends in none of .npz"),
        ("missing.npz", None, "missing.npz"),
    ],
)
def test_what_is_no_data_is_said(
    run: Run, name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, told = run(table, tmp_path / name, tmp_path / "out")
    assert (code, said in told["error"]) == (2, True)


def test_a_null_among_lists_of_one_length_moves_no_other_row(run: Run, tmp_path: Path) -> None:
    lists: list[Any] = FEATURES.tolist()
    lists[3] = None
    held = pa.table({"features": pa.array(lists, pa.list_(pa.float32(), 4))})
    parquet.write_table(held, tmp_path / "data.parquet")
    code, told = run(table, tmp_path / "data.parquet", tmp_path / "out")
    found = parquet.read_table(tmp_path / "out" / "part-000000.parquet")["output scores"].to_pylist()
    assert (code, told["failed"], found.pop(3)) == (1, 1, None)
    np.testing.assert_allclose(found, np.delete(SCORES, 3, 0), rtol=1e-4)


def test_columns_of_one_name_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b,c,c\n1,2,3,4\n")
    code, told = run(table, tmp_path / "data.csv", tmp_path / "out")
    assert (code, "Several columns are named c." in told["error"]) == (2, True)


def test_files_that_are_no_files_and_names_that_are_no_text(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    os.mkfifo(folder / "endless.png")
    Image.new("RGB", (30, 40)).save(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")))
    code, told = run(picture, folder, tmp_path / "out")
    found = tables.read_csv(tmp_path / "out" / "part-000000.csv").to_pylist()
    assert (code, told["rows"], [each["file"] for each in found]) == (0, 1, [r"\xff.png"])


def test_outputs_that_would_be_one_column_are_kept_apart(run: Run, tmp_path: Path) -> None:
    run(table, saved(tmp_path / "data.npz"), tmp_path / "out")
    folder = tmp_path / "made" / "service"
    with imported(folder):
        parts, settings = (importlib.import_module(f"serving.{name}") for name in ("parts", "settings"))
        known = settings.Settings.read(folder / "service.json")
        specs = [known.outputs[0].model_copy(update={"name": name}) for name in ("y", "y 0")]
        odd = known.model_copy(update={"outputs": specs, "scores": ""})
        rows = parts.Part(0, [("", {})], {0: {"y": np.zeros(3, "f"), "y 0": np.ones(1, "f")}}, {})
        with pytest.raises(ValueError, match="Two outputs would be the column 'output y 0'"):
            parts.Parts(tmp_path / "csv", ".csv", {}, odd).write(rows)
        parts.Parts(tmp_path / "parquet", ".parquet", {}, odd).write(rows)


@pytest.mark.parametrize("entry", [b"no array", BOMB, TEXTS])
def test_entries_that_are_no_arrays_of_numbers(run: Run, entry: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("features.npy", entry)
    code, told = run(table, tmp_path / "data.npz", tmp_path / "out")
    assert (code, "data.npz: features " in told["error"]) == (2, True)


@pytest.mark.slow
def test_a_killed_job_goes_on_and_gives_what_an_unbroken_one_does(tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(batch_prediction=True), tmp_path / "made")
    data, out = saved(tmp_path / "data.npz", 60_000), tmp_path / "out"
    command = [sys.executable, "-m", "serving.batch", "--part", "100", str(data)]
    with subprocess.Popen([*command, str(out)], cwd=folder, stderr=subprocess.DEVNULL) as running:
        until = monotonic() + 120
        while not (out / "part-000002.npz").is_file() and monotonic() < until:
            sleep(0.01)
        running.send_signal(signal.SIGKILL)
    assert 3 <= len(list(out.glob("part-*.npz"))) < 600
    for each in (out, tmp_path / "unbroken"):
        ended = subprocess.run([*command, str(each)], cwd=folder, capture_output=True, text=True)
        told = json.loads(ended.stdout.splitlines()[-1])
        assert (ended.returncode, told["rows"], told["before"] > 0) == (0, 60_000, each == out)
    for path in sorted(out.glob("part-*")):
        assert path.read_bytes() == (tmp_path / "unbroken" / path.name).read_bytes()
