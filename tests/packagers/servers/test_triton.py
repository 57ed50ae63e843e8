"""Triton model repositories: their configuration, read by Triton's own protobuf, and the real server."""

from __future__ import annotations

import io
import json
import subprocess
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.domain.model import TensorSpec
from core.domain.recipe import Recipe, Target
from core.domain.sweep import Setting, Sweep
from core.errors import InvalidRequest
from core.packagers.servers.triton import PACKAGER
from core.packagers.servers.triton_config import tensor, text
from core.protocols import Package
from core.toolchains.environments import folder_of, interpreter
from core.toolchains.lists import get_toolchain
from tests.factories import ENVIRONMENT
from tests.packagers.servers.conftest import free_ports, golden_sent, laid_out, running
from tests.packagers.serving.conftest import picture, table, tokens
from tests.toolchains.test_litert import index_reached

TELL = """
import json, sys
from pathlib import Path
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
found = {}
for path in Path(sys.argv[1]).rglob("config.pbtxt"):
    config = text_format.Parse(path.read_text(), ModelConfig())
    found["/".join(path.parts[-2:-1])] = json_format.MessageToDict(config, preserving_proto_field_name=True)
print(json.dumps(found))
"""


def as_runtime(package: Package, runtime: str, form: str, suffix: str, **options: Any) -> Package:
    """Return a package that is said to be of another runtime and format."""
    recipe = Recipe((), Target(runtime))
    path = package.artifact.path.with_name(f"model.{suffix}")
    path.write_bytes(b"weights")
    artifact = replace(package.artifact, format=form, path=path, files=(path,), options=options)
    return replace(package, artifact=artifact, candidate=replace(package.candidate, recipe=recipe))


def config(folder: Path, name: str) -> str:
    return (folder / "model_repository" / name / "config.pbtxt").read_text()


def test_the_backend_is_that_of_the_runtime(tmp_path: Path) -> None:
    made = laid_out(PACKAGER, table(tmp_path / "in"), tmp_path / "out")
    told = config(made, "table_net")
    assert 'backend: "onnxruntime"' in told
    assert (made / "model_repository/table_net/1/model.onnx").is_file()
    assert not list(made.glob("**/model.py"))
    assert {path.name for path in (made / "proof").iterdir()} >= {"golden.npz", "manifest.json", "verify.py"}
    assert "max_batch_size: 8" in told
    assert "preferred_batch_size: [ 2, 4, 8 ]" in told
    assert "gave 7.0 times the throughput of single rows" in told
    assert "dims: [ 4 ]" in told
    assert (made / "model_repository/table_net/labels.txt").read_text() == "a\nb\nc\n"


def test_the_python_backend_runs_the_kit(tmp_path: Path) -> None:
    made = laid_out(PACKAGER, tokens(tmp_path / "in"), tmp_path / "out", backend="python", batching=False)
    home = made / "model_repository/tokens/1"
    assert (home / "kit/session.py").is_file()
    assert (home / "model.py").is_file()
    told = config(made, "tokens")
    assert "dynamic_batching" not in told
    assert told.count("dims: [ -1 ]") == 3
    assert "TYPE_INT64" in told


def test_openvino_computes_in_the_precision_of_the_measurement(tmp_path: Path) -> None:
    package = as_runtime(table(tmp_path / "in"), "openvino", "openvino", "xml", precision="bf16")
    told = config(laid_out(PACKAGER, package, tmp_path / "out"), "table_net")
    assert 'backend: "openvino"' in told
    assert 'default_model_filename: "model.xml"' in told
    assert 'key: "HINT_BF16"' in told


def test_torchscript_knows_its_inputs_by_number(tmp_path: Path) -> None:
    package = as_runtime(table(tmp_path / "in"), "torchscript", "torchscript", "pt")
    made = laid_out(PACKAGER, package, tmp_path / "out")
    assert 'backend: "pytorch"' in config(made, "table_net")
    told = json.loads((made / "model.json").read_text())
    assert [each["name"] for each in told["inputs"] + told["outputs"]] == ["INPUT__0", "OUTPUT__0"]
    assert 'name: "INPUT__0"' in config(made, "table_net")


def test_tensorrt_is_built_where_it_runs(tmp_path: Path) -> None:
    package = as_runtime(table(tmp_path / "in"), "tensorrt", "tensorrt", "onnx")
    made = laid_out(PACKAGER, package, tmp_path / "out")
    told = config(made, "table_net")
    assert 'platform: "tensorrt_plan"' in told
    assert "KIND_GPU" in told
    assert (made / "build/model.onnx").is_file()
    assert (
        "build_engine.py --engine model_repository/table_net/1/model.plan" in (made / "README.md").read_text()
    )


def test_a_backend_that_cannot_open_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="opens torchscript; this candidate is onnx"):
        laid_out(PACKAGER, table(tmp_path / "in"), tmp_path / "out", backend="pytorch")


def test_instances_follow_the_measured_threads(tmp_path: Path) -> None:
    package = table(tmp_path / "in")
    figures = package.candidate.result
    assert figures is not None
    wide = replace(ENVIRONMENT, cores=8)
    done = replace(
        package.candidate, result=replace(figures, timing=replace(figures.timing, environment=wide))
    )
    swept = [
        Setting(1, threads, 1.0, None, rate, 9) for threads, rate in ((1, 100.0), (4, 500.0), (8, 600.0))
    ]
    package = replace(package, candidate=done, sweep=Sweep(tuple(swept), wide, ""))
    told = config(laid_out(PACKAGER, package, tmp_path / "out", batching=False), "table_net")
    assert "count: 2" in told
    assert '"intra_op_thread_count"\n  value {\n    string_value: "4"' in told
    assert "500 samples/s of one instance with 4 thread(s)" in told
    python = laid_out(PACKAGER, package, tmp_path / "py", batching=False, backend="python")
    assert "count: 8" in config(python, "table_net")


def test_scalars_and_names_are_written_as_protobuf_takes_them() -> None:
    told = text({"input": [tensor(TensorSpec('a"\\b', "float16", ("batch",)), 'a"\\b', True)]}, ("why",))
    assert told.splitlines() == [
        "# why",
        "input {",
        '  name: "a\\"\\\\b"',
        "  data_type: TYPE_FP16",
        "  dims: [ 1 ]",
        "  reshape {",
        "    shape: [ ]",
        "  }",
        "}",
    ]


def test_equal_packages_give_equal_bytes(tmp_path: Path) -> None:
    made = [laid_out(PACKAGER, picture(tmp_path / each), tmp_path / f"{each}-out") for each in ("a", "b")]
    assert len({(each.parent / "made.zip").read_bytes() for each in made}) == 1


@pytest.fixture
def environment(data_dir: Path) -> Path:
    """Return the environment that holds Triton."""
    if not index_reached():
        pytest.skip("no package index can be reached")
    toolchain = get_toolchain("triton")
    interpreter(toolchain)
    return folder_of(toolchain)


def asked(port: int, model: str, body: bytes, **wanted: Any) -> Any:
    """Send the bytes of an image; return the first output, or what was said against it."""
    given = {"name": "image", "shape": [len(body)], "datatype": "UINT8"}
    given["parameters"] = {"binary_data_size": len(body)}
    head = json.dumps({"inputs": [given], "outputs": [{"name": "y", "parameters": wanted}]}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v2/models/{model}/infer", head + body)
    request.add_header("Inference-Header-Content-Length", str(len(head)))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["outputs"][0]["data"]
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_server_gives_the_measured_outputs(environment: Path, tmp_path: Path) -> None:
    made = {
        "pets": laid_out(PACKAGER, picture(tmp_path / "a"), tmp_path / "pets", backend="python"),
        "tokens": laid_out(PACKAGER, tokens(tmp_path / "b"), tmp_path / "tokens", backend="python"),
        "wrong": laid_out(PACKAGER, table(tmp_path / "c", factor=2.0), tmp_path / "wrong", backend="python"),
    }
    native = laid_out(PACKAGER, picture(tmp_path / "d"), tmp_path / "native")
    for folder in (*made.values(), native):
        words = [str(environment / "bin" / "python"), "-c", TELL, str(folder)]
        read = subprocess.run(words, capture_output=True, text=True)
        assert read.returncode == 0, read.stderr
        found = json.loads(read.stdout)
        assert all(name == each["name"] for name, each in found.items())
    assert found["pets"]["dynamic_batching"]["preferred_batch_size"] == [2, 4, 8]
    assert found["pets"]["instance_group"] == [{"kind": "KIND_CPU", "count": 2}]
    assert [step["model_name"] for step in found["pets_images"]["ensemble_scheduling"]["step"]] == [
        "pets_prepare",
        "pets",
    ]
    for name, folder in made.items():
        http, grpc, metrics = free_ports(3)
        words = ["--pytriton", str(environment), "--http-port", str(http), "--grpc-port", str(grpc)]
        with running(folder, [*words, "--metrics-port", str(metrics)]):
            if name == "wrong":  # its client compares with another model's outputs
                other = laid_out(PACKAGER, table(tmp_path / "e"), tmp_path / "other", backend="python")
                told = golden_sent(other, http)
                assert told.returncode == 1
                assert "not the outputs of the measurement" in told.stdout
                continue
            told = golden_sent(folder, http)
            assert told.returncode == 0, told.stdout + told.stderr + (folder / "log.txt").read_text()[-2000:]
            if name == "pets":
                check_images(http)


def check_images(port: int) -> None:
    stream, pixels = io.BytesIO(), np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    assert len(asked(port, "pets_images", stream.getvalue())) == 4
    best = asked(port, "pets_images", stream.getvalue(), classification=1)
    assert best[0].split(":")[2] in ("cat", "dog", "eel", "fox")
    assert "expected an image" in asked(port, "pets_images", b"nonsense")
