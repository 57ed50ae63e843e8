"""The teacher: the uploaded model as it answers batches, by OpenVINO where that computes the same.

On a CPU a compiled runtime answers several times as fast as eager PyTorch, so that nearly all of the time
goes into the student. Its answers are compared with those of the model's own library first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.graphs.torch.modules import flatten, load_exported, open_module, quiet_torch
from core.machine.environment import environment
from core.passes.checks import distance
from core.passes.quantization.bf16 import INSTRUCTIONS
from core.passes.torch_calls import exported
from core.protocols import Array, Feed, LocalArtifact, PassContext

if TYPE_CHECKING:
    from torch import Tensor

CLOSE = {"f32": 1e-3, "bf16": 0.1}
"""Largest error, relative to the largest output, of a compiled teacher in each precision."""
CHEAP_S = 0.005
"""A teacher that answers the example sooner is not worth the seconds that compiling it takes."""

Answer = Callable[[Feed], list[Array]]


def teacher(artifact: LocalArtifact, context: PassContext, example: Feed, rough: bool) -> Answer:
    """Return what answers a feed as the model in `artifact` does, as arrays in the order of its outputs.

    Args:
        artifact: The uploaded model.
        context: Gives the inputs and the threads.
        example: A feed to compare both ways of computing on.
        rough: Whether 16 bits are enough, as for scores of classes.
    """
    own = _by_session(artifact, context) if artifact.format == "onnx" else _by_torch(artifact, context)
    answers, seconds = own(example), _seconds(own, example)
    if seconds < CHEAP_S:
        return own
    precision = "bf16" if rough and INSTRUCTIONS & set(environment().isa) else "f32"
    try:
        compiled = _compiled(artifact, context, precision)
        error = distance(answers, compiled(example))
    except Exception:  # whatever a converter does not know: the model's own library answers then
        return own
    return compiled if error <= CLOSE[precision] else own


def _seconds(answer: Answer, example: Feed) -> float:
    began = time.monotonic()
    answer(example)
    return time.monotonic() - began


def _by_session(artifact: LocalArtifact, context: PassContext) -> Answer:
    opened = onnx_files.session(artifact.path, context.threads)
    return lambda feed: onnx_files.run(opened, feed)


def _by_torch(artifact: LocalArtifact, context: PassContext) -> Answer:
    import torch

    module = open_module(artifact, context.model)

    def answer(feed: Feed) -> list[Array]:
        with quiet_torch():
            given = [torch.from_numpy(feed[spec.name]) for spec in context.model.inputs]
            return [each.numpy() for each in flatten(module(*given))]

    return answer


def _compiled(artifact: LocalArtifact, context: PassContext, precision: str) -> Answer:
    import openvino as ov

    source: Any = artifact.path
    if artifact.format == "pt2":
        source = load_exported(artifact.path)
    elif artifact.format == "state_dict":
        source = exported(open_module(artifact, context.model), context)
    config = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": context.threads}
    compiled = ov.Core().compile_model(ov.convert_model(source), "CPU", config)
    names = [spec.name for spec in context.model.inputs]
    ports = compiled.outputs

    def answer(feed: Feed) -> list[Array]:
        found = compiled([np.ascontiguousarray(feed[name]) for name in names])
        return [np.array(found[port]) for port in ports]

    return answer


def as_tensors(answers: list[Array]) -> list[Tensor]:
    """Return answers as tensors."""
    import torch

    return [torch.from_numpy(np.ascontiguousarray(each)) for each in answers]
