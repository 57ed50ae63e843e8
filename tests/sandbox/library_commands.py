"""What a confined child really does for a living: each library imported and used once, on a tiny model."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]


def use_torch(payload: Message) -> Message:
    import torch
    import torchvision

    model, example = torchvision.models.resnet18(num_classes=10).eval(), torch.rand(2, 3, 32, 32)
    torch.export.save(torch.export.export(model, (example,)), "model.pt2")
    torch.jit.save(torch.jit.trace(model, example), "model.pt")
    torch.onnx.export(model, (example,), "model.onnx", external_data=False, verbose=False)
    outputs = (torch.export.load("model.pt2").module()(example), torch.jit.load("model.pt")(example))
    return {"shapes": [list(one.shape) for one in outputs]}


def use_onnx(payload: Message) -> Message:
    import nncf
    import numpy as np
    import onnx
    import onnxruntime
    import openvino

    onnx.checker.check_model("model.onnx")
    x = np.random.default_rng(0).random((2, 3, 32, 32), dtype=np.float32)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model("model.onnx", "CPU")
    quantized = nncf.quantize(core.read_model("model.onnx"), nncf.Dataset([x]), subset_size=1)
    openvino.save_model(quantized, "quantized.xml")
    shapes = [session.run(None, {session.get_inputs()[0].name: x})[0].shape, compiled([x])[0].shape]
    return {"shapes": [list(shape) for shape in shapes]}


def use_the_rest(payload: Message) -> Message:
    import numpy as np
    from PIL import Image
    from sklearn.linear_model import LogisticRegression

    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("a.png")
    LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
    return {
        "size": list(Image.open("a.png").size),
        "platform": platform.platform(),
        "node": platform.processor(),
    }


COMMANDS: dict[str, Callable[[Message], Message]] = {
    "torch": use_torch,
    "onnx": use_onnx,
    "rest": use_the_rest,
}
