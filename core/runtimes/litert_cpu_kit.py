"""Load the model on LiteRT."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def position(name):
    """Return the place that names such as ``args_0`` end in, None for others."""
    prefix, _, number = name.rpartition("_")
    return int(number) if prefix in ("args", "output") and number.isdecimal() else None


def ordered(details, signature):
    """Return tensors in the order of the exported call, as a signature names them."""
    names = {index: name for name, index in signature.items()}
    found = [(position(names.get(each["index"], "")), each) for each in details]
    if len(names) == len(details) and all(place is not None for place, _ in found):
        found.sort(key=lambda pair: pair[0])
    return found


def scaled(detail):
    """Return scale and zero of a tensor whose whole numbers stand for real ones, None for another."""
    held = detail["quantization_parameters"]
    if len(held["scales"]) != 1 or detail["dtype"].__name__.startswith("float"):
        return None
    return float(held["scales"][0]), int(held["zero_points"][0])


def load():
    """Return a function from a feed to the list of outputs; it takes the batch that it was made for."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    manifest = json.loads((HERE / "manifest.json").read_text())
    interpreter = Interpreter(model_path=str(HERE / manifest["model"]), num_threads=manifest["threads"])
    signatures = list(interpreter._get_full_signature_list().values())
    signature = signatures[0] if len(signatures) == 1 else {"inputs": {}, "outputs": {}}
    inputs = ordered(interpreter.get_input_details(), signature["inputs"])
    outputs = [each for _, each in ordered(interpreter.get_output_details(), signature["outputs"])]
    whole = len(inputs) == len(manifest["inputs"])
    names = [manifest["inputs"][at if whole else place] for at, (place, _) in enumerate(inputs)]
    last = {manifest["inputs"][at] for at in manifest["options"].get("channels_last", [])}
    shapes = []

    def stored(name, array, detail):
        array = np.asarray(array)
        if name in last:
            array = np.moveaxis(array, 1, -1)
        scale = scaled(detail)
        if scale and array.dtype.kind == "f":
            limits = np.iinfo(detail["dtype"])
            array = np.clip(np.round(array / scale[0]) + scale[1], limits.min, limits.max)
        return np.asarray(array, detail["dtype"], order="C")

    def real(detail):
        array, scale = interpreter.get_tensor(detail["index"]), scaled(detail)
        return (array.astype(np.float32) - scale[1]) * scale[0] if scale else array

    def run(feed):
        arrays = [stored(name, feed[name], each) for name, (_, each) in zip(names, inputs, strict=True)]
        if shapes != [array.shape for array in arrays]:
            for (_, each), array in zip(inputs, arrays, strict=True):
                interpreter.resize_tensor_input(each["index"], array.shape, strict=True)
            interpreter.allocate_tensors()
            shapes[:] = [array.shape for array in arrays]
        for (_, each), array in zip(inputs, arrays, strict=True):
            interpreter.set_tensor(each["index"], array)
        interpreter.invoke()
        return [real(each) for each in outputs]

    return run
