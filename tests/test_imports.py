"""The page's process stays light: no heavy library enters with what the pages import."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "torchvision", "onnx", "onnxruntime", "openvino", "nncf", "sklearn", "scipy")
CODE = f"""
import sys
import core.views, core.engine, core.registry, sample_models
core.registry.passes(); core.registry.runtimes(); core.registry.sources(); core.registry.data_formats()
core.registry.packagers(); core.views.machine()
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_the_engine_as_the_pages_see_it_holds_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
