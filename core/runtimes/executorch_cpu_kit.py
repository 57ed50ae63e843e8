"""Load the model on ExecuTorch."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import executorch.extension.pybindings.portable_lib as library
    import numpy as np
    import torch
    from executorch.runtime import Runtime

    manifest = json.loads((HERE / "manifest.json").read_text())
    library._unsafe_reset_threadpool(manifest["threads"])
    program = Runtime.get().load_program(HERE / manifest["model"])
    method = program.load_method("forward")

    def run(feed):
        assert program is not None  # the method lies in it
        tensors = [torch.from_numpy(np.array(feed[name])) for name in manifest["inputs"]]
        return [each.numpy().copy() for each in method.execute(tensors)]

    return run
