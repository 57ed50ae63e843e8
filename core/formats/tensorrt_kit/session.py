"""Run the TensorRT engine that build_engine.py made.

PyTorch holds the tensors on the GPU. From Python, in this folder:

    from session import load
    run = load()
    outputs = run({"name": array})
"""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINE = HERE / "model.engine"


def load():
    """Return a function from a feed to the list of outputs."""
    run = Engine(ENGINE)
    return lambda feed: run(feed)


class Engine:
    """An engine with its execution context and a stream of its own."""

    def __init__(self, path):
        import tensorrt as trt
        import torch

        spec = json.loads((HERE / "engine.json").read_text())
        self.inputs, self.outputs = list(spec["inputs"]), spec["outputs"]
        self.logger = trt.Logger(trt.Logger.WARNING)
        self.runtime = trt.Runtime(self.logger)
        self.engine = self.runtime.deserialize_cuda_engine(path.read_bytes())
        if self.engine is None:
            raise SystemExit(f"{path.name} is not for this GPU and this TensorRT: run build_engine.py here.")
        self.context = self.engine.create_execution_context()
        self.stream = torch.cuda.Stream()
        self.held = {}

    def feed(self, arrays):
        """Copy the inputs to the GPU and make room for the outputs, whose shapes follow from the inputs."""
        import tensorrt as trt
        import torch

        for name in self.inputs:
            wanted = trt.nptype(self.engine.get_tensor_dtype(name))
            tensor = torch.from_numpy(arrays[name].astype(wanted, order="C")).cuda()
            if not self.context.set_input_shape(name, tuple(tensor.shape)):
                shape = tuple(tensor.shape)
                raise ValueError(f"{name} of shape {shape} lies outside of the engine's profile.")
            self._hold(name, tensor)
        for name in self.outputs:
            shape = tuple(self.context.get_tensor_shape(name))
            dtype = trt.nptype(self.engine.get_tensor_dtype(name))
            self._hold(name, torch.empty(shape, dtype=torch.from_numpy(empty(dtype)).dtype, device="cuda"))
        torch.cuda.synchronize()

    def _hold(self, name, tensor):
        self.held[name] = tensor
        self.context.set_tensor_address(name, tensor.data_ptr())

    def infer(self):
        """Start one inference on what was fed; it runs until the stream is synchronized."""
        if not self.context.execute_async_v3(self.stream.cuda_stream):
            raise RuntimeError("TensorRT could not run the engine.")

    def __call__(self, arrays):
        """Return the outputs for a feed."""
        self.feed(arrays)
        self.infer()
        self.stream.synchronize()
        return [self.held[name].cpu().numpy() for name in self.outputs]

    def milliseconds(self, calls):
        """Return the time of each of so many inferences on the GPU, by CUDA events."""
        import torch

        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(calls)]
        for begin, end in events:
            begin.record(self.stream)
            self.infer()
            end.record(self.stream)
        self.stream.synchronize()
        return [begin.elapsed_time(end) for begin, end in events]


def empty(dtype):
    import numpy as np

    return np.empty(0, dtype)
