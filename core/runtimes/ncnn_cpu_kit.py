"""Load the model on ncnn."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
NO_AXIS = 233


def load():
    """Return a function from a feed to the list of outputs."""
    import ncnn
    import numpy as np

    manifest = json.loads((HERE / "manifest.json").read_text())
    options, path = manifest["options"], HERE / manifest["model"]
    net = ncnn.Net()
    net.opt.num_threads, net.opt.openmp_blocktime, net.opt.use_vulkan_compute = manifest["threads"], 0, False
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        setattr(net.opt, f"use_{name}", False)
    if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
        raise RuntimeError(f"ncnn cannot read {path.name} or its weights")

    def mat(array, axis, shape, _):
        if [1 if at == axis else size for at, size in enumerate(array.shape)] != list(shape):
            # ncnn looks at no sizes, and would compute something all the same.
            raise ValueError(f"an input has the shape {array.shape}, and the network takes {tuple(shape)}")
        if axis < array.ndim and array.shape[axis] > (options["largest_batch"] or array.shape[axis]):
            raise ValueError(f"in ncnn this network takes one sample a call, not {array.shape[axis]}")
        dtype = np.float32 if array.dtype.kind == "f" else np.int32
        shaped = np.ascontiguousarray(array if array.ndim else array.reshape(1), dtype)
        return ncnn.Mat(shaped, batch_index=axis if axis < array.ndim else NO_AXIS).clone()

    def array(found, axis, shape, dtype):
        values = np.array(found.numpy("f" if np.dtype(dtype).kind == "f" else "i", batch_index=axis))
        wanted = (len(values), *shape[1:]) if axis == 0 and shape else tuple(shape)
        return values.reshape(wanted) if values.size == np.prod(wanted) else values

    def run(feed):
        call, outputs = net.create_extractor(), []
        for index, (name, told) in enumerate(zip(manifest["inputs"], options["inputs"], strict=True)):
            if call.input(f"in{index}", mat(np.asarray(feed[name]), *told)):
                raise RuntimeError(f"ncnn has no input {index}")
        for index, told in enumerate(options["outputs"]):
            failed, found = call.extract(f"out{index}")
            if failed:
                raise RuntimeError(f"ncnn could not compute output {index}")
            outputs.append(array(found, *told))
        return outputs

    return run
