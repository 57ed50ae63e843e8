"""Load the model on AOTInductor.

The package holds native code that was compiled from the model: it runs with your rights. It was compiled for
the processor and the PyTorch that `manifest.json` names.
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
    package = torch._inductor.aoti_load_package(str(HERE / manifest["model"]))

    def run(feed):
        # The package itself would read beyond the ends of other inputs.
        fixed = manifest["options"].get("batch")
        for name, sizes in manifest["input_shapes"].items():
            shape = feed[name].shape
            wanted = [fixed if fixed and index == 0 else size for index, size in enumerate(sizes)]
            fits = len(shape) == len(wanted) and all(
                isinstance(size, str) or size == found for size, found in zip(wanted, shape, strict=True)
            )
            if not fits:
                raise ValueError(f"{name} has the shape {shape}, and the package takes {wanted}.")
        tensors = [torch.from_numpy(feed[name]) for name in manifest["inputs"]]
        with torch.inference_mode():
            outputs = _pytree.tree_leaves(package(*tensors))
        return [each.float().numpy() if each.dtype is torch.bfloat16 else each.numpy() for each in outputs]

    return run
