"""Validation of the latency benchmark: ``python -m benchmarks [--seconds 20]``.

Measures torchvision's ResNet-18 with random weights on ONNX Runtime and OpenVINO against PyTorch eager, and
PyTorch eager against itself, then asks `benchmarks/outside.py` for a second opinion and prints both. Exits
with 1 where they differ by more than five percent or the control's interval misses 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path

from core.architectures import identify
from core.bench.timing.endpoint import Endpoint
from core.bench.timing.interleaving import MeasurementPlan
from core.bench.timing.stopwatch import measure
from core.domain.measurement import Timing
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Target
from core.protocols import LocalArtifact

OUTSIDE = Path(__file__).with_name("outside.py")
TOLERANCE = 0.05


def build(folder: Path) -> SourceModel:
    """Write the network in both formats and return its description."""
    import torch
    import torchvision
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = torchvision.models.resnet18().eval()
    state = network.state_dict()
    save_file(state, folder / "model.safetensors")
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.randn(2, 3, 224, 224),), str(folder / "model.onnx"), dynamo=False,
            external_data=False, input_names=["input"], output_names=["output"], dynamic_axes=axes,
        )  # fmt: skip
    found = identify({key: tuple(value.shape) for key, value in state.items()})
    return SourceModel(
        id="resnet18", name="ResNet-18", format="state_dict", files=(), sha256="",
        inputs=(TensorSpec("input", "float32", ("batch", 3, 224, 224)),),
        outputs=(TensorSpec("output", "float32", ("batch", 1000)),),
        symbols={"batch": 1}, batch_symbol="batch", parameters=0, macs=None, size_bytes=0, classes=1000,
        architecture=asdict(found),
    )  # fmt: skip


def timings(folder: Path, model: SourceModel, seconds: float) -> dict[str, Timing]:
    """Return what the stopwatch says, by runtime."""
    weights, graph = folder / "model.safetensors", folder / "model.onnx"
    eager = Endpoint(LocalArtifact("state_dict", weights, (weights,)), Target("pytorch"), model)
    others = {
        name: Endpoint(LocalArtifact("onnx", graph, (graph,)), Target(name), model)
        for name in ("onnxruntime", "openvino")
    }
    plan = MeasurementPlan(max_seconds=seconds, throughput_batches=())
    return {
        name: measure(candidate, eager, plan, folder / name).timing
        for name, candidate in {"eager": eager, **others}.items()
    }


def main() -> int:
    """Measure, compare, print; return the exit code."""
    parser = argparse.ArgumentParser(description="Compare the stopwatch with an independent script.")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = timings(folder, build(folder), options.seconds)
        command = [sys.executable, str(OUTSIDE), name]
        outside = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"{'runtime':12} {'stopwatch':>26} {'outside':>8} {'apart':>7}  p50 ms inside, outside")
    apart = {}
    for runtime, timing in found.items():
        ours, theirs = timing.speedup, outside[runtime]["speedup"]
        apart[runtime] = abs(ours.value / theirs - 1)
        interval = f"{ours.value:.3f}x ({ours.low:.3f}-{ours.high:.3f})" + ("*" if timing.unstable else "")
        times = f"{timing.latency.p50:.2f}, {outside[runtime]['p50_ms']:.2f}"
        print(f"{runtime:12} {interval:>26} {theirs:>7.3f}x {100 * apart[runtime]:>6.1f}%  {times}")
    print("* unstable: too few rounds for the time, or an interval that stayed wide")
    control = found["eager"].speedup
    return int(max(apart.values()) > TOLERANCE or not control.low <= 1 <= control.high)


if __name__ == "__main__":
    sys.exit(main())
