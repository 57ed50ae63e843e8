"""Run the model on your data.

From Python: `from session import load; run = load(); outputs = run({"name": array})`.
"""

import argparse
import json
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text())
SHOWN_CLASSES = 3
SHOWN_BOXES = 20


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


def detections(outputs):
    """Return rows x1, y1, x2, y2, score, class of each picture, the highest score first."""
    import numpy as np

    how = MANIFEST["detections"]
    given = [np.asarray(outputs[name], np.float64) for name in how["outputs"]]
    pictures = len(given[0]) if given[0].ndim == 3 else 1
    if how["columns"]:
        tables = given[0].reshape(pictures, -1, given[0].shape[-1])[:, :, how["columns"]]
    else:
        boxes, *others = given
        rows = [boxes.reshape(pictures, -1, 4), *(each.reshape(pictures, -1, 1) for each in others)]
        tables = np.concatenate(rows, axis=2)
    if how["y_first"]:
        tables = tables[:, :, [1, 0, 3, 2, 4, 5]]
    tables[:, :, :4] *= np.array(how["scale"] * 2)
    return [table[np.argsort(-table[:, 4])] for table in tables]


def show_detections(table):
    how = MANIFEST["detections"]
    sure = table[table[:, 4] >= how["least"]]
    print(f"{len(sure)} detections with a score of {how['least']:g} or more, corners in pixels of the input:")
    for x1, y1, x2, y2, score, number in sure[:SHOWN_BOXES]:
        name = how["classes"].get(str(int(number)), f"class {int(number)}")
        print(f"  {name} ({score:.4g}): x {x1:.0f} to {x2:.0f}, y {y1:.0f} to {y2:.0f}")


def write(path, outputs):
    """Write arrays as numpy.savez does, which itself takes none named file."""
    import numpy as np

    path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in outputs.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(value), allow_pickle=False)


def main():
    parser, options = parse()
    feed = read(parser, options.inputs)

    from session import load

    outputs = dict(zip(MANIFEST["outputs"], load()(feed), strict=True))
    for name, value in outputs.items():
        show(name, value)
    for table in detections(outputs) if MANIFEST["detections"] else ():
        show_detections(table)
    if options.outputs is not None:
        write(options.outputs, outputs)


if __name__ == "__main__":
    main()
