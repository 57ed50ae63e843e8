"""Run the model on your data.

From Python: `from session import load; run = load(); outputs = run({"name": array})`.
"""

import argparse
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text())
SHOWN_CLASSES = 3


def parse():
    wanted = ", ".join(f"{name} {tuple(shape)}" for name, shape in MANIFEST["input_shapes"].items())
    parser = argparse.ArgumentParser(
        description=f"Run {MANIFEST['name']}.".replace("%", "%%"),
        epilog=f"It takes: {wanted}. README.md says what they mean.".replace("%", "%%"),
    )
    parser.add_argument(
        "inputs", nargs="?", type=Path, help=".npz with one array per input, by name (default: golden inputs)"
    )
    parser.add_argument("outputs", nargs="?", type=Path, help=".npz to write the outputs to")
    return parser, parser.parse_args()


def read(parser, path):
    import numpy as np

    if path is None:
        with np.load(HERE / "golden.npz", allow_pickle=False) as arrays:
            return {name: arrays[f"input_0_{index}"] for index, name in enumerate(MANIFEST["inputs"])}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            held = dict(arrays) if hasattr(arrays, "files") else {}
    except (OSError, ValueError) as error:
        parser.error(f"{path} cannot be read as .npz: {error}")
    missing = [name for name in MANIFEST["inputs"] if name not in held]
    if missing:
        parser.error(f"{path} lacks {', '.join(missing)}; it holds {', '.join(held) or 'no named arrays'}.")
    return {name: held[name] for name in MANIFEST["inputs"]}


def show(name, value):
    import numpy as np

    print(f"{name}: {value.dtype} {value.shape}")
    print(np.array2string(value, precision=4, threshold=40))
    classes = MANIFEST["classes"]
    if classes and value.ndim == 2 and value.shape[1] == len(classes):
        for row in value:
            best = np.argsort(row)[::-1][:SHOWN_CLASSES]
            print("  " + ", ".join(f"{classes[index]} ({row[index]:.4g})" for index in best))


def main():
    parser, options = parse()
    feed = read(parser, options.inputs)

    import numpy as np
    from session import load

    outputs = dict(zip(MANIFEST["outputs"], load()(feed), strict=True))
    for name, value in outputs.items():
        show(name, value)
    if options.outputs is not None:
        np.savez(options.outputs, **outputs)


if __name__ == "__main__":
    main()
