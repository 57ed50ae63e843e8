"""Load the model on ONNX Runtime."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import onnxruntime

    manifest = json.loads((HERE / "manifest.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = manifest["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(HERE / manifest["model"]), options, providers=["CPUExecutionProvider"]
    )
    return lambda feed: session.run(None, feed)
