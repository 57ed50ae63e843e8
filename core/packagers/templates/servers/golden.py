"""The golden inputs of the measurement: sent to a running server, and its answers compared."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROOF = next(HERE.glob("**/golden.npz")).parent
Ask = Callable[[str, dict[str, Any]], list[Any]]
"""Returns the outputs, in order, that the server at an address gives for inputs by name."""


def wait(address: str, seconds: float) -> None:
    """Wait until an address answers with 200.

    Raises:
        OSError: It does not, in time.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def compare(ask: Ask, address: str) -> int:
    """Ask and compare; 1 where the answers are not those of the measurement."""
    sys.path.insert(0, str(PROOF))
    verify = importlib.import_module("verify")
    tolerance, worst = verify.MANIFEST["tolerance"], 0.0
    most = verify.LOST_DETECTIONS if verify.MANIFEST["detects"] else tolerance
    for feed, expected in verify.golden():
        outputs = ask(address, feed)
        if verify.MANIFEST["detects"]:
            worst = max(worst, verify.missing(outputs, expected, tolerance))
        elif any(ours.shape != wanted.shape for ours, wanted in zip(outputs, expected, strict=True)):
            worst = 1.0
        else:
            worst = max(worst, *map(verify.difference, outputs, expected))
    print(f"largest difference {worst:.4%}, {most:.2%} is allowed")
    if not worst <= most:
        print("These are not the outputs of the measurement.")
        return 1
    return 0


def main(ask: Ask, ready: str) -> int:
    """Ask and compare; 1 where the server refuses, or answers otherwise than it was measured to.

    Args:
        ask: How.
        ready: Path that answers with 200 once the model can be asked.
    """
    parser = argparse.ArgumentParser(description="Ask a running server with the golden inputs.")
    parser.add_argument("address", help="such as http://127.0.0.1:8000")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait until it is ready")
    options = parser.parse_args()
    try:
        wait(options.address + ready, options.wait)
        return compare(ask, options.address)
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read().decode(errors='replace')}", file=sys.stderr)
    except OSError as error:
        print(f"not ready: {error}", file=sys.stderr)
    return 1
