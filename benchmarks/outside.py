"""Independent latency benchmark to check ours: same artifacts, one process, plain runtime APIs.

    python benchmarks/outside.py FOLDER [--rounds 40]

FOLDER holds ``model.safetensors`` (torchvision's ResNet-18) and ``model.onnx``. Nothing of Whetstone is used.
Prints one JSON object: median milliseconds and speed-up over PyTorch eager, by runtime.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
Call = Callable[[], object]


def eager(folder: Path) -> Call:
    """PyTorch eager."""
    import torch
    import torchvision
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    network = torchvision.models.resnet18()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    network.eval()
    image = torch.randn(1, 3, 224, 224)

    def call() -> object:
        with torch.inference_mode():
            return network(image)

    return call


def onnxruntime(folder: Path) -> Call:
    """ONNX Runtime."""
    import numpy
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    feed = {"input": numpy.random.default_rng(0).standard_normal((1, 3, 224, 224), numpy.float32)}
    return lambda: session.run(None, feed)


def openvino(folder: Path) -> Call:
    """OpenVINO in float32."""
    import numpy
    import openvino as ov

    core = ov.Core()
    model = core.read_model(folder / "model.onnx")
    model.reshape([1, 3, 224, 224])
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", settings)
    image = numpy.random.default_rng(0).standard_normal((1, 3, 224, 224), numpy.float32)
    return lambda: compiled(image)


def interleaved(calls: dict[str, Call], rounds: int) -> dict[str, list[list[float]]]:
    """Return the milliseconds of blocks of calls, taken in turns."""
    times: dict[str, list[list[float]]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(10):
            call()
    for _ in range(rounds):
        for name in random.sample(list(calls), len(calls)):
            calls[name]()
            block = []
            for _ in range(4):
                start = time.perf_counter()
                calls[name]()
                block.append(1000 * (time.perf_counter() - start))
            times[name].append(block)
    return times


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description="Time ResNet-18 on three runtimes in one process.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    calls = {each.__name__: each(options.folder) for each in (eager, onnxruntime, openvino)}
    times = interleaved(calls, options.rounds)
    found = {
        name: {
            "p50_ms": statistics.median(value for block in blocks for value in block),
            "speedup": statistics.median(
                statistics.median(a) / statistics.median(b)
                for a, b in zip(times["eager"], blocks, strict=True)
            ),
        }
        for name, blocks in times.items()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
