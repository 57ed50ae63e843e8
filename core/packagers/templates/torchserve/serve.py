"""Run TorchServe on the model of this folder. It needs Java 17 or newer.

    python serve.py                       the torchserve of this Python
    python serve.py --torchserve FOLDER   that of the environment FOLDER
    python serve.py --host 0.0.0.0 --http-port 8080

Its workers run in the environment of the Python that runs this file. The management stays on this machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORTS = {"http": 8080, "management": 8081, "metrics": 8082, "grpc": 7070, "grpc-management": 7071}


def package(environment: Path | None) -> Path:
    """Return the folder that holds TorchServe's package `ts`."""
    if environment is not None:
        found = next(environment.glob("lib/python3*/site-packages/ts"), None)
    else:
        spec = importlib.util.find_spec("ts")
        found = Path(spec.origin).parent if spec is not None and spec.origin else None
    if found is None:
        sys.exit("TorchServe is not installed there: pip install torchserve==0.12.0 pyyaml")
    return found.parent


def java() -> str:
    """Return the program that runs Java."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if found is None:
        sys.exit("TorchServe needs Java 17, on Debian and Ubuntu: apt-get install openjdk-17-jre-headless")
    return found


def config(options: argparse.Namespace) -> str:
    """Return config.properties with what it leaves open: where it listens, and where the model lies."""
    port = {name: getattr(options, f"{name.replace('-', '_')}_port") for name in PORTS}
    lines = [
        (HERE / "config.properties").read_text(encoding="utf8"),
        f"inference_address=http://{options.host}:{port['http']}",
        f"management_address=http://127.0.0.1:{port['management']}",
        f"metrics_address=http://{options.host}:{port['metrics']}",
        f"grpc_inference_address={options.host}",
        f"grpc_inference_port={port['grpc']}",
        f"grpc_management_port={port['grpc-management']}",
        f"model_store={HERE / 'model_store'}",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run it until it ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torchserve", type=Path, metavar="FOLDER")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 answers other machines")
    for name, port in PORTS.items():
        parser.add_argument(f"--{name}-port", type=int, default=port)
    options = parser.parse_args()
    home = package(options.torchserve)
    inherited = os.environ.get("PYTHONPATH", "")
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "config.properties").write_text(config(options), encoding="utf8")
        words = [java(), f"-Dmodel_server_home={home}", f"-Djava.io.tmpdir={scratch}"]
        words += ["-cp", f"{home / 'ts' / 'frontend'}/*", "org.pytorch.serve.ModelServer"]
        words += ["--python", sys.executable, "-f", "config.properties", "-ncs"]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(home), inherited]))}
        with subprocess.Popen(words, cwd=scratch, env={**env, "LOG_LOCATION": scratch}) as server:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: server.terminate())
            return server.wait()


if __name__ == "__main__":
    sys.exit(main())
