"""Load the model on PyTorch."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import contextlib

    import torch
    import torch.ao.quantization.fx._decomposed  # makes the operators of quantized programs known
    from torch.utils import _pytree

    manifest = json.loads((HERE / "manifest.json").read_text())
    torch.set_num_threads(manifest["threads"])
    module = torch.export.load(str(HERE / manifest["model"])).module()
    half = manifest["options"].get("precision") == "bf16"

    def run(feed):
        tensors = [torch.from_numpy(feed[name]) for name in manifest["inputs"]]
        precision = torch.autocast("cpu", torch.bfloat16) if half else contextlib.nullcontext()
        with torch.inference_mode(), precision:
            outputs = module(*tensors)
        return [
            each.float().numpy() if each.is_floating_point() else each.numpy()
            for each in _pytree.tree_leaves(outputs)
        ]

    return run
