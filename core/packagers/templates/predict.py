"""Run the model on your data.

    python predict.py inputs.npz outputs.npz

inputs.npz holds one array per input of the model, by name; without arguments the golden inputs are used.
From Python: `from session import load; run = load(); outputs = run({"name": array})`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from session import load

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text())


def main():
    run = load()
    if len(sys.argv) > 1:
        with np.load(sys.argv[1], allow_pickle=False) as arrays:
            feed = {name: arrays[name] for name in MANIFEST["inputs"]}
    else:
        with np.load(HERE / "golden.npz", allow_pickle=False) as arrays:
            feed = {name: arrays[f"input_0_{index}"] for index, name in enumerate(MANIFEST["inputs"])}
    outputs = dict(zip(MANIFEST["outputs"], run(feed), strict=True))
    for name, value in outputs.items():
        print(f"{name}: {value.dtype} {value.shape}")
        print(np.array2string(value, precision=4, threshold=40))
    if len(sys.argv) > 2:
        np.savez(sys.argv[2], **outputs)


if __name__ == "__main__":
    main()
