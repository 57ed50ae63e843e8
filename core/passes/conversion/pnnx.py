"""pnnx, the converter from PyTorch to ncnn: a native program that reads a TorchScript file.

Source: https://github.com/Tencent/ncnn/blob/master/tools/pnnx/README.md.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from importlib import util
from pathlib import Path

from core.errors import PassFailed
from core.protocols import Array

PACKAGE = "pnnx"
TYPES = {
    **{f"float{bits}": f"f{bits}" for bits in (16, 32, 64)},
    **{f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    "uint8": "u8",
    "bool": "bool",
}
NAMES = ("model.ncnn.param", "model.ncnn.bin", "model_ncnn.py")


def converter() -> Path | None:
    """Return the installed package's program, found without an import; None where there is none."""
    found = util.find_spec(PACKAGE)
    places = list(found.submodule_search_locations or ()) if found else []
    there = [Path(place) / name for place in places for name in ("pnnx", "bin/pnnx")]
    return next((path for path in there if path.is_file()), None)


def convert(script: Path, example: Sequence[Array], fp16: bool, hint: str) -> tuple[Path, Path, Path]:
    """Run pnnx on a script and return the layers, the weights and the lines of Python that it writes.

    Args:
        script: A TorchScript file in a folder for all that pnnx writes.
        example: Inputs, for their sizes.
        fp16: Whether weights are stored in FP16.
        hint: For the person, where it fails.

    Raises:
        PassFailed: pnnx does not do it; with the last line that it says.
    """
    program = converter()
    if program is None:
        raise PassFailed("pnnx is not installed.", hint="Install it: pip install pnnx")
    sizes = ",".join(f"[{','.join(map(str, each.shape))}]{TYPES[each.dtype.name]}" for each in example)
    files = tuple(script.with_name(name) for name in NAMES)
    wanted = zip(("ncnnparam", "ncnnbin", "ncnnpy"), files, strict=True)
    command = [str(program), str(script), f"inputshape={sizes}", f"fp16={int(fp16)}"]
    command += [f"{key}={path}" for key, path in wanted]
    done = subprocess.run(
        command, cwd=script.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    said = done.stderr + done.stdout
    if done.returncode or not all(path.is_file() for path in files):
        lines = [line for line in said.splitlines() if line.strip(" #") and not line.startswith("####")]
        last = lines[-1][:200] if lines else "it said nothing"
        reason = f"it crashed with signal {-done.returncode}" if done.returncode < 0 else last
        raise PassFailed(
            f"pnnx could not convert the model: {reason}",
            hint=hint,
            traceback=said[-4000:],
        )
    return files[0], files[1], files[2]
