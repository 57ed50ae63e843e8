"""Load the model on LiteRT."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def position(name):
    """Return what names such as ``args_0`` are ordered by."""
    number = name.rpartition("_")[2]
    return (int(number) if number.isdigit() else 0, name)


def load():
    """Return a function from a feed to the list of outputs; it takes the batch that it was made for."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    manifest = json.loads((HERE / "manifest.json").read_text())
    interpreter = Interpreter(model_path=str(HERE / manifest["model"]), num_threads=manifest["threads"])
    runner = interpreter.get_signature_runner()
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    names = sorted(inputs, key=position)

    def run(feed):
        values = zip(names, manifest["inputs"], strict=True)
        found = runner(**{ours: np.asarray(feed[name], inputs[ours]["dtype"]) for ours, name in values})
        return [found[name] for name in sorted(outputs, key=position)]

    return run
