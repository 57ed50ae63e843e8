"""Unlike models for `benchmarks/verdicts.py`, and copies of their graphs that do a measured share more."""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.bench.timing.endpoint import Endpoint, timing_cores
from core.domain.model import SourceModel, TensorSpec
from core.domain.recipe import Target
from core.examples import example_feed
from core.protocols import LocalArtifact

WORDS, LENGTH, WIDTH = 1000, 64, 128
LINKS, FIRST_ELEMENTS = 4, 2048
TRIALS, EXACT, WARM, ROUNDS, BLOCK_S = 12, 0.06, 5, 60, 0.02


@dataclass(frozen=True)
class Case:
    """A model in the forms that are measured.

    Attributes:
        model: Its description.
        folder: Holds ``model.onnx``, ``model.pt`` (TorchScript) and ``slower.onnx``.
        planted: How much longer ``slower.onnx`` takes, as a fraction, by plain calls of ONNX Runtime.
    """

    model: SourceModel
    folder: Path
    planted: float

    def endpoint(self, runtime: str, name: str = "model.onnx") -> Endpoint:
        """Return the file `name` on `runtime`, one thread, one sample a call."""
        form, path = ("torchscript" if name.endswith(".pt") else "onnx"), self.folder / name
        return Endpoint(LocalArtifact(form, path, (path,)), Target(runtime), self.model)


def small_cnn() -> tuple[Any, TensorSpec]:
    """Return a convolutional network of about 0.2 ms a call, and its input."""
    from torch import nn

    layers: list[Any] = []
    for before, after in ((3, 24), (24, 48), (48, 64)):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, 1, 1), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*layers), TensorSpec("x", "float32", ("batch", 3, 32, 32))


def resnet18() -> tuple[Any, TensorSpec]:
    """Return torchvision's ResNet-18 with random weights, and its input."""
    import torchvision

    return torchvision.models.resnet18(), TensorSpec("x", "float32", ("batch", 3, 224, 224))


def transformer() -> tuple[Any, TensorSpec]:
    """Return an encoder of two layers over word numbers, and its input."""
    from torch import nn

    layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    words = TensorSpec("x", "int64", ("batch", LENGTH), high=WORDS)
    return nn.Sequential(
        nn.Embedding(WORDS, WIDTH), encoder, nn.Flatten(), nn.Linear(LENGTH * WIDTH, 10)
    ), words


MODELS: dict[str, Callable[[], tuple[Any, TensorSpec]]] = {
    "small CNN": small_cnn,
    "ResNet-18": resnet18,
    "transformer": transformer,
}


def build(name: str, folder: Path, share: float) -> Case:
    """Write the model called `name` in all forms, one of them `share` slower, unless they are there."""
    import torch

    torch.manual_seed(0)
    network, spec = MODELS[name]()
    network.eval()
    classes = 1000 if name == "ResNet-18" else 10
    model = SourceModel(
        id="m", name=name, format="onnx", files=(), sha256="", inputs=(spec,),
        outputs=(TensorSpec("y", "float32", ("batch", classes)),), symbols={"batch": 1},
        batch_symbol="batch", parameters=0, macs=None, size_bytes=0, classes=classes,
    )  # fmt: skip
    planted = folder / "planted"
    if planted.exists():
        return Case(model, folder, float(planted.read_text()))
    example = torch.from_numpy(example_feed(model, 1, 0)["x"])
    folder.mkdir(parents=True, exist_ok=True)
    torch.backends.mha.set_fastpath_enabled(False)  # the traced graph would hold one fused operator
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(network, example), folder / "model.pt")
        torch.onnx.export(
            network, (example,), str(folder / "model.onnx"), dynamo=False, external_data=False,
            input_names=["x"], output_names=["y"],
        )  # fmt: skip
    planted.write_text(str(plant(folder, example.numpy(), share)))
    return Case(model, folder, float(planted.read_text()))


def plant(folder: Path, example: Any, share: float) -> float:
    """Write ``slower.onnx``: the graph with further operators that take `share` of its time.

    Returns:
        The share that they take, by plain calls in turns.

    Raises:
        RuntimeError: The machine is too unquiet to tell.
    """
    elements = float(FIRST_ELEMENTS)
    for _ in range(TRIALS):
        _slower(folder, round(elements))
        found = slowdown(folder, example)
        if abs(found - share) < share * EXACT:
            return found
        elements *= min(4.0, max(0.25, share / max(found, share / 10)))
    raise RuntimeError(f"The planted work takes {found:.1%} instead of {share:.0%}; try on a calmer machine.")


def _slower(folder: Path, elements: int) -> None:
    """Add a chain of hyperbolic tangents of `elements` numbers from the input to the output."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(folder / "model.onnx")
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["before" if name == "y" else name for name in node.output]
    values: dict[str, Any] = {
        "p_flat": np.array([-1]), "p_first": np.array([0]), "p_tiny": np.array([1e-30], np.float32),
        "p_many": np.linspace(0.1, 1.0, elements, dtype=np.float32),
    }  # fmt: skip
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    add = helper.make_node
    graph.node.extend([
        add("Reshape", ["x", "p_flat"], ["p_row"]), add("Gather", ["p_row", "p_first"], ["p_one"]),
        add("Cast", ["p_one"], ["p_float"], to=TensorProto.FLOAT), add("Mul", ["p_float", "p_many"], ["p_0"]),
        *(add("Tanh", [f"p_{at}"], [f"p_{at + 1}"]) for at in range(LINKS)),
        add("Gather", [f"p_{LINKS}", "p_first"], ["p_last"]), add("Mul", ["p_last", "p_tiny"], ["p_none"]),
        add("Add", ["before", "p_none"], ["y"]),
    ])  # fmt: skip
    onnx.save(model, folder / "slower.onnx")


def slowdown(folder: Path, example: Any) -> float:
    """Return by what fraction ``slower.onnx`` is slower than ``model.onnx``, in one process by turns."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [
        ort.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        for name in ("model.onnx", "slower.onnx")
    ]
    calls = [partial(session.run, None, {"x": example}) for session in sessions]
    for call in calls:
        for _ in range(WARM):
            call()
    ratios = []
    with on_timed_core():
        for turn in range(ROUNDS):
            pair = [_fast(call) for call in (calls if turn % 2 else calls[::-1])]
            plain, slower = pair if turn % 2 else pair[::-1]
            ratios.append(slower / plain)
    return statistics.median(ratios) - 1


@contextmanager
def on_timed_core() -> Iterator[None]:
    """Keep this thread to the core that measurements use."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, timing_cores(1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _fast(call: Callable[[], object]) -> float:
    """Return the lower quartile of the calls of a short while, in seconds."""
    times, end = list[float](), time.perf_counter() + BLOCK_S
    while not len(times) > 2 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.quantile(times, 0.25))
