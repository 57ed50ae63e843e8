"""A linear student of the uploaded network, trained by PyTorch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from core.domain.technique import Kind
from core.errors import PassFailed
from core.params import setting
from core.protocols import LocalArtifact, PassContext, Trainer, Training


@dataclass(frozen=True)
class ToyParams:
    steps: int = setting(30, "Steps", low=1, high=10_000)
    pause_s: float = setting(0.0, "Pause after each step", low=0.0, high=10.0)


class ToyTrainer(Trainer):
    """Matches the logits of the teacher."""

    id = "toy_student"
    name = "Toy student"
    summary = "Trains a linear copy of the network."
    kind = Kind.TRAINING
    Params = ToyParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    fits = True
    libraries = ("torch",)

    def run(self, context: PassContext, artifact: LocalArtifact, params: ToyParams) -> LocalArtifact:
        assert context.training is not None
        student, details = train(context, context.training, params)
        path = context.folder / "student.onnx"
        save(context, student, path)
        return LocalArtifact("onnx", path, (path,), {}, details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ToyParams) -> None:
        if not after.path.exists():
            raise PassFailed("There is no student.")


def train(context: PassContext, training: Training, params: ToyParams) -> tuple[Any, dict[str, Any]]:
    """Train, keeping the state after every step; return the student and what was done."""
    import onnxruntime
    import torch

    torch.manual_seed(context.seed)
    teacher = onnxruntime.InferenceSession(str(training.teacher.path))
    sizes = [int(np.prod(spec.resolve(context.model.symbols)[1:])) for spec in context.model.inputs]
    student = torch.nn.Linear(sizes[0], context.model.classes or 1)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.001)
    kept, first = training.checkpoints / "state.pt", 0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        student.load_state_dict(state["student"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]

    def loss_on(rows: Any, seed: int | None) -> Any:
        feed, _ = next(rows.batches(32, seed))
        (array,) = feed.values()
        wanted = torch.from_numpy(teacher.run(None, feed)[0])
        found = student(torch.from_numpy(np.ascontiguousarray(array)).flatten(1))
        return torch.nn.functional.mse_loss(found, wanted)

    step, started = first, time.monotonic()
    while step < params.steps and training.seconds_left() > 0:
        optimizer.zero_grad()
        loss = loss_on(training.rows, context.seed + step)
        loss.backward()
        optimizer.step()
        step += 1
        state = {"student": student.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        torch.save(state, kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)
        with torch.no_grad():
            search = float(loss_on(training.search, None))
        training.report(step, params.steps, {"loss": float(loss), "search_loss": search})
        time.sleep(params.pause_s)
    return student, {
        "complete": step == params.steps,
        "began_at": first,
        "steps": step,
        "rows": [training.rows.samples, training.search.samples],
        "labelled": training.rows.labelled,
        "seconds": round(time.monotonic() - started, 3),
    }


def save(context: PassContext, student: Any, path: Any) -> None:
    """Write the student as ONNX: one Gemm."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    (given,), out = context.model.inputs, context.model.outputs[0]
    weights = {name: value.detach().numpy() for name, value in student.named_parameters()}
    graph = helper.make_graph(
        [helper.make_node("Gemm", [given.name, "weight", "bias"], [out.name], transB=1)],
        "student",
        [helper.make_tensor_value_info(given.name, TensorProto.FLOAT, list(given.shape))],
        [helper.make_tensor_value_info(out.name, TensorProto.FLOAT, list(out.shape))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path)


PASS = ToyTrainer()
