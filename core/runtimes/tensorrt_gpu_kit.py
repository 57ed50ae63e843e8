"""Run the model on TensorRT; the first call on a GPU builds the engine, which takes minutes."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HERE = Path(__file__).resolve().parent


def beside(folder, name):
    """Return a script of the build kit as a module."""
    spec = spec_from_file_location(f"tensorrt_{name}", folder / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load():
    """Return a function from a feed to the list of outputs."""
    manifest = json.loads((HERE / "manifest.json").read_text())
    folder = (HERE / manifest["model"]).parent
    engine = beside(folder, "session")
    if not engine.ENGINE.exists():
        builder = beside(folder, "build_engine")
        builder.build(builder.parse([]))
    return engine.load()
