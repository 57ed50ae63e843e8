"""Run Triton on the models of this folder.

    python serve.py                       the tritonserver on PATH, as in NVIDIA's container
    python serve.py --pytriton FOLDER     that of nvidia-pytriton, installed in the environment FOLDER:
                                          Python backend alone
    python serve.py --host 0.0.0.0 --http-port 8000

With nvidia-pytriton, models run in the environment of the Python that runs this file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}


def ports(options: argparse.Namespace) -> list[str]:
    """Return the words that say where Triton listens."""
    words = ["--http-address", options.host, "--grpc-address", options.host]
    for name in PORTS:
        words += [f"--{name}-port", str(getattr(options, f"{name}_port"))]
    return words


@contextmanager
def pytriton(environment: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Give the command and the variables of the server in nvidia-pytriton's wheel.

    Its Python backend lies apart from the stub for this version of Python, so both are put together.
    """
    packages = next(environment.glob("lib/python3*/site-packages/pytriton"), None)
    if packages is None:
        sys.exit(f"{environment} has no nvidia-pytriton: pip install nvidia-pytriton==0.7.0 there.")
    server, version = packages / "tritonserver", f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        sys.exit(f"nvidia-pytriton has no Python backend for Python {version}.")
    libraries = [sysconfig.get_config_var("LIBDIR"), packages.parent / "nvidia_pytriton.libs"]
    env = {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    with tempfile.TemporaryDirectory() as folder:
        backend = Path(folder) / "python"
        shutil.copytree(server / "backends" / "python", backend)
        shutil.copy(stub, backend)
        yield [str(server / "bin" / "tritonserver"), "--backend-directory", folder], env


@contextmanager
def installed() -> Iterator[tuple[list[str], dict[str, str]]]:
    """Give the command and the variables of the server on PATH."""
    if shutil.which("tritonserver") is None:
        sys.exit("There is no tritonserver on PATH: run this in NVIDIA's container, or with --pytriton.")
    yield ["tritonserver"], dict(os.environ)


def main() -> int:
    """Run it until it ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pytriton", type=Path, metavar="FOLDER")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 answers other machines")
    for name, port in PORTS.items():
        parser.add_argument(f"--{name}-port", type=int, default=port)
    options = parser.parse_args()
    with pytriton(options.pytriton) if options.pytriton else installed() as (command, env):
        words = [*command, "--model-repository", str(HERE / "model_repository"), *ports(options)]
        with subprocess.Popen(words, env=env) as server:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: server.terminate())
            return server.wait()


if __name__ == "__main__":
    sys.exit(main())
