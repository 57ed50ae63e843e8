"""Accuracy of a sample's files, each through its own runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.architectures import identify, load, unwrap
from sample_models.data import Rows

if TYPE_CHECKING:
    from torch import nn

Predict = Callable[[NDArray[Any]], NDArray[Any]]
BATCH = 128


def accuracy(kind: str, path: Path, rows: Rows) -> float:
    """Top-1 share (0 to 1) of the file at `path`, of kind `state_dict`, `pt2` or `onnx`, on `rows`."""
    predict = OPENERS[kind](path)
    batches = [rows.inputs[start : start + BATCH] for start in range(0, len(rows.labels), BATCH)]
    guesses = np.concatenate([predict(batch).argmax(axis=1) for batch in batches])
    return float((guesses == rows.labels).mean())


def open_state_dict(path: Path) -> Predict:
    """The network that the keys and shapes tell, with the weights of `path`."""
    import torch

    state = unwrap(torch.load(path, weights_only=True))
    architecture = identify({key: tuple(value.shape) for key, value in state.items()})
    return _by_torch(load(architecture, state))


def open_pt2(path: Path) -> Predict:
    """An exported program in PyTorch."""
    import torch

    return _by_torch(torch.export.load(path).module())


def open_onnx(path: Path) -> Predict:
    """An ONNX file in ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: np.asarray(session.run(None, {name: batch})[0])


def _by_torch(module: nn.Module) -> Predict:
    import torch

    def predict(batch: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            return np.asarray(module(torch.from_numpy(batch)).numpy())

    return predict


OPENERS: dict[str, Callable[[Path], Predict]] = {
    "state_dict": open_state_dict,
    "pt2": open_pt2,
    "onnx": open_onnx,
}
