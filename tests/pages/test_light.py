from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "onnx", "onnxruntime", "openvino", "nncf", "sklearn")
SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest
import pages.app
from core.domain.run import RunStatus
from core.engine import open_store
from tests.pages import seed

seed.run(open_store(), "done", RunStatus.DONE)
test = AppTest.from_file("pages/main.py", default_timeout=60).run()
where = {"run": "done", "candidate": "done-2", "model": "seed-model"}
for page, name in (
    ("model", "model"), ("optimize", "model"), ("optimize", "run"), ("compare", "run"),
    ("candidate", "candidate"), ("runs", "run"), ("learn", "run"), ("machine", "run"),
):
    test.query_params.clear()
    test.query_params[name] = where[name]
    test.switch_page(f"{page}.py").run()
    assert not test.exception, (page, test.exception)
    assert not test.error, (page, test.error)
print(" ".join(sorted(name for name in sys.modules if "." not in name)))
"""


def test_the_pages_never_hold_a_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = set(done.stdout.split())
    assert "streamlit" in loaded
    assert not loaded & set(HEAVY)
