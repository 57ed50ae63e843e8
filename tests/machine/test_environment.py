from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from core.machine.environment import environment, memory_available, memory_limit, usable_cores
from core.optional import version
from core.registry import passes, runtimes


def test_it_describes_this_machine() -> None:
    found = environment()
    assert found.cpu
    assert 1 <= found.cores == usable_cores() <= (os.cpu_count() or 1)
    assert 0 < memory_available() <= memory_limit() == found.memory_bytes <= psutil.virtual_memory().total
    assert found.libraries["torch"].startswith("2.")
    assert list(found.isa) == sorted(found.isa)


def test_the_libraries_are_those_that_techniques_and_runtimes_name() -> None:
    named = {module for each in passes().values() for module in each.libraries}
    named |= {module for each in runtimes().values() for module in each.modules}
    assert {each for each in named if version(each)} <= set(environment().libraries)


def test_instruction_sets_are_those_of_the_kernel() -> None:
    text = Path("/proc/cpuinfo").read_text()
    for name in environment().isa:
        assert {"neon": "asimd"}.get(name, name) in text


def test_fewer_cores_are_noticed() -> None:
    script = (
        "import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "from core.machine.environment import environment; import sys\n"
        "assert environment().cores == 1\n"
        "assert not {'torch', 'onnxruntime', 'openvino', 'nncf', 'onnx'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
