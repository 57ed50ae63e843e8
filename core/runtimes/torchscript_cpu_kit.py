"""Load the model on TorchScript.

A TorchScript file is a program: loading and running it runs what its author wrote, with your rights.
Whetstone looked through its code for calls that open files and ran it in a confined process only. Nothing
confines it here.
"""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import torch
    from torch.utils import _pytree

    manifest = json.loads((HERE / "manifest.json").read_text())
    torch.set_num_threads(manifest["threads"])
    module = torch.jit.load(str(HERE / manifest["model"]), map_location="cpu").eval()
    if manifest["options"].get("optimize_for_inference"):
        module = torch.jit.optimize_for_inference(module)

    def run(feed):
        tensors = [torch.from_numpy(feed[name]) for name in manifest["inputs"]]
        with torch.inference_mode():
            outputs = module(*tensors)
        return [each.numpy() for each in _pytree.tree_leaves(outputs)]

    return run
