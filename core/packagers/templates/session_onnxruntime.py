"""Load the model on ONNX Runtime."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text())


def load():
    """Return a function from a feed to the list of outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = MANIFEST["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(HERE / MANIFEST["model"]), options, providers=["CPUExecutionProvider"]
    )
    return lambda feed: session.run(None, feed)
