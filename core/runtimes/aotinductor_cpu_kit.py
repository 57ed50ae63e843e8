"""Load the model on AOTInductor.

The package holds native code that was compiled from the model: it runs with your rights. It was compiled for
the processor and the PyTorch that `manifest.json` names.
"""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import os

    import torch
    from torch.utils import _pytree

    os.environ["AOTI_RUNTIME_CHECK_INPUTS"] = "1"  # else wrong shapes are read beyond their ends
    manifest = json.loads((HERE / "manifest.json").read_text())
    torch.set_num_threads(manifest["threads"])
    package = torch._inductor.aoti_load_package(str(HERE / manifest["model"]))

    def run(feed):
        tensors = [torch.from_numpy(feed[name]) for name in manifest["inputs"]]
        with torch.inference_mode():
            outputs = _pytree.tree_leaves(package(*tensors))
        return [each.float().numpy() if each.dtype is torch.bfloat16 else each.numpy() for each in outputs]

    return run
