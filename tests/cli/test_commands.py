"""The command line as a user runs it: exit codes, files, and no traceback for bad input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from core.cli import main, parser
from core.cli.run_options import asked, seconds
from core.domain.run import RunRequest
from core.engine import add_model, open_store
from core.errors import InvalidRequest
from core.settings import get_settings
from sample_models import samples
from tests.engine.conftest import kill_worker

MLP = next(each for each in samples() if each.id == "cancer-mlp").folder / "model.onnx"


@pytest.fixture(autouse=True)
def _no_worker_left(data_dir: Path) -> Iterator[None]:
    yield
    kill_worker(data_dir)


def test_optimize_writes_the_results_and_every_artifact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["optimize", str(MLP), "--data", "breast_cancer", "--recipe", "@openvino", "--max-drop", "5"]
    code = main([*arguments, "--out", str(out), "--json"])
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((out / "results.json").read_text())
    assert printed == written
    assert written["schema"] == 1
    assert code == (0 if written["recommended"] else 3)
    assert {each["status"] for each in written["candidates"]} == {"done"}
    for each in written["candidates"]:
        assert (out / each["artifact"]).stat().st_size > 0
        assert each["latency_ms"]["ci_low"] <= each["latency_ms"]["p50"] <= each["latency_ms"]["ci_high"]
        assert each["accuracy"]["samples"] > 100
    assert main(["runs"]) == 0
    assert written["run"]["id"] in capsys.readouterr().out
    assert main(["kit", written["candidates"][1]["id"], "--out", str(tmp_path)]) == 0
    assert (tmp_path / "model-fp32-openvino.zip").stat().st_size > 0


@pytest.mark.slow
def test_a_model_of_one_batch_size_is_measured_at_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (2, 4)) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", rows[:1], rows[1:])
    sets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=8), tmp_path / "two.onnx")
    main(["optimize", str(tmp_path / "two.onnx"), "--recipe", "@openvino", "--json"])
    found = json.loads(capsys.readouterr().out)["candidates"]
    assert [each["recipe"]["target"]["batch"] for each in found] == [2, 2]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["inspect", "missing.onnx"], "There is no file missing.onnx"),
        pytest.param(["inspect", "x" * 5000], "There is no file", id="long name"),
        pytest.param(["inspect", "a\0b"], "There is no file", id="no name"),
        (["optimize", str(MLP), "--preset", "fast"], "no preset 'fast'"),
        (["optimize", str(MLP), "--runtimes", "warp"], "no runtime named 'warp'"),
        (["optimize", str(MLP), "--budget", "soon"], "'soon' is no time"),
        (["optimize", str(MLP), "--budget", "9" * 400], "is no time"),
        (["optimize", str(MLP), "--max-drop", "nan"], "max accuracy drop of nan is not possible"),
        (["optimize", str(MLP), "--max-drop", "-1"], "max accuracy drop of -1 is not possible"),
        (["optimize", str(MLP), "--max-drop=-inf"], "max accuracy drop of -inf is not possible"),
        (["optimize", str(MLP), "--max-latency", "nan"], "largest latency of nan is not possible"),
        (["optimize", str(MLP), "--max-latency", "0"], "largest latency of 0 is not possible"),
        (["optimize", str(MLP), "--max-size", "nan"], "largest size of nan is not possible"),
        (["optimize", str(MLP), "--max-size", "-1"], "largest size of -1e+06 is not possible"),
        (["optimize", str(MLP), "--max-size", "0"], "largest size of 0 is not possible"),
        (["optimize", "missing.onnx", "--threads", "1000000000"], "1 to 256 threads"),
        (["optimize", "missing.onnx", "--batch", "0"], "batch from 1 to 4096"),
        (["optimize", "missing.onnx", "--seed", "-1"], "seed -1 is not possible"),
        (["optimize", str(MLP), "--shape", "input=a"], "cannot be read"),
        (["optimize", str(MLP), "--data", "no-such-set"], "no-such-set"),
        pytest.param(["optimize", str(MLP), "--data", "x" * 300], "File name too long", id="long data"),
        (["optimize", str(MLP), "--max-drop", "abc"], "invalid float value: 'abc'. See: whetstone optimize"),
        (["optimize", str(MLP), "--strategy", "search:most=x"], "Strategy search: The parameter most has"),
        (["optimize"], "See: whetstone optimize --help"),
        (["optimize", str(MLP), "--measure-on", "vax"], "no machine of the kind 'vax'"),
        (["kit", "nothing"], "not in the store"),
        (["resume", "nothing"], "not in the store"),
        (["delete", "nothing"], "no upload nothing in the store"),
        (["inspect", str(MLP.parent)], "is a folder, not a model file"),
        (["optimize", str(MLP.parent)], "is a folder, not a model file"),
    ],
)
def test_bad_input_ends_with_two_and_one_clear_line(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert part in said.replace("\n", " ")
    assert "Traceback" not in said


def test_uploads_and_runs_are_listed_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    with open_store() as store:
        model = add_model(store, MLP)
        run = store.runs.create(RunRequest(model.id), "the run")
        assert main(["delete", model.id, "--with-runs"]) == 2
        assert "Cancel it first" in capsys.readouterr().err
        store.runs.request_cancel(run.id)
        assert main(["delete", model.id]) == 2
        assert "--with-runs" in capsys.readouterr().err
        assert main(["uploads"]) == 0
        assert f"{model.id}  model        0.13 MB    1 run(s)  model" in capsys.readouterr().out
        other = store.runs.create(RunRequest(model.id), "other run")
        store.runs.request_cancel(other.id)
        assert main(["delete", other.id]) == 0
        assert "Deleted the run other run" in capsys.readouterr().err
        assert main(["delete", model.id, "--with-runs"]) == 0
        assert "Deleted the model model and 1 run(s): 0.13 MB" in capsys.readouterr().err
        assert (store.runs.list(), store.models.list()) == ((), ())


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_a_file_that_is_no_model_is_refused(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert main(["inspect", str(path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_doctor_and_inspect_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["environment"]["cores"] >= 1
    assert main(["inspect", str(MLP), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["format"] == "onnx"


def test_the_search_has_an_option_of_its_own_and_an_unknown_objective_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = asked(parser().parse_args(["optimize", "m", "--search", "--max-memory", "1.5"]))
    assert (given["strategy"], given["max_memory_bytes"]) == ("search", 1_500_000)
    assert main(["optimize", str(MLP), "--objective", "beauty"]) == 2
    assert "Choose one of: latency, throughput, size, memory." in capsys.readouterr().err


def test_times() -> None:
    assert [seconds(text) for text in ("90", "90s", "1.5m", "1h")] == [90, 90, 90, 3600]
    with pytest.raises(InvalidRequest):
        seconds("-3")


def test_a_wrong_setting_is_one_line_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHETSTONE_TRUST_UPLOADS", "maybe")
    get_settings.cache_clear()
    assert main(["runs"]) == 2
    assert "invalid_request The setting WHETSTONE_TRUST_UPLOADS is 'maybe'" in capsys.readouterr().err
    monkeypatch.undo()
    get_settings.cache_clear()
