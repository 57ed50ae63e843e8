"""Build a TensorRT engine of model.onnx for the GPU of this machine.

    python build_engine.py

It writes model.engine, and timing.cache, with which the next build is quicker. The precisions are those of
the ONNX file (a strongly typed network), as TensorRT 11 wants it; TensorRT 10 is told so.
"""

import argparse
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE / "timing.cache"


def parse(words=None):
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    known.add_argument("--batch", type=int, help="batch to be fastest at (default: as in engine.json)")
    known.add_argument("--most", type=int, help="largest batch to take (default: as in engine.json)")
    known.add_argument("--workspace", type=int, default=4, help="GiB of GPU memory that building may take")
    known.add_argument("--engine", type=Path, default=HERE / "model.engine", help="file to write")
    return known.parse_args(words)


def shapes(spec, options):
    """Return the least, usual and largest shape of each input: of free sizes the batch alone varies."""
    usual, most = options.batch or spec["batch"], options.most or spec["most"]
    wanted = (1, usual, max(usual, most))
    return {
        name: tuple(tuple(batch if size is None else size for size in shape) for batch in wanted)
        for name, shape in spec["inputs"].items()
    }


def build(options):
    import tensorrt as trt

    spec = json.loads((HERE / "engine.json").read_text())
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(HERE / "model.onnx")):
        raise SystemExit("\n".join(str(parser.get_error(index)) for index in range(parser.num_errors)))
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace << 30)
    if any(None in shape for shape in spec["inputs"].values()):
        profile = builder.create_optimization_profile()
        for name, (least, usual, most) in shapes(spec, options).items():
            profile.set_shape(name, least, usual, most)
        config.add_optimization_profile(profile)
    cache = config.create_timing_cache(CACHE.read_bytes() if CACHE.exists() else b"")
    config.set_timing_cache(cache, False)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise SystemExit("TensorRT could not build the engine; what it wrote above says why.")
    options.engine.write_bytes(engine)
    CACHE.write_bytes(config.get_timing_cache().serialize())
    print(f"{options.engine} holds the engine, for TensorRT {trt.__version__} and this GPU.")


if __name__ == "__main__":
    build(parse())
