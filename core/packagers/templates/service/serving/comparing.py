"""What every `client.py` does: the golden inputs are sent, and the answers compared."""

from __future__ import annotations

import argparse
import sys
import urllib.error
from collections.abc import Callable

from serving.inputs import Feed
from serving.kit import MODELS, Kit
from serving.settings import Settings


def main(ask: Callable[[str, Feed, str], Feed], example: str) -> int:
    """Ask and compare; 1 where the service refuses, or answers otherwise than it was measured to.

    Args:
        ask: Returns the outputs for an address, inputs and an API key; what it raises is told.
        example: Of an address.
    """
    parser = argparse.ArgumentParser(description="Ask a running service with the golden inputs.")
    parser.add_argument("address", help=f"such as {example}")
    parser.add_argument("--key", default="", help="API key, where the service asks for one")
    options, settings = parser.parse_args(), Settings.read()
    kit, worst = Kit(MODELS / settings.version), 0.0
    try:
        for feed, expected in kit.golden():
            outputs = ask(options.address, feed, options.key)
            for spec, wanted in zip(settings.outputs, expected, strict=True):
                error = kit.difference(outputs[spec.name], wanted)
                print(f"{spec.name}: largest difference {error:.4%} of the range")
                worst = max(worst, error)
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read().decode()}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"There is no answer at {options.address}: {error}", file=sys.stderr)
        return 1
    # Of detections, whose number may differ, only the kit's own verify.py can tell.
    if not kit.manifest["detects"] and worst > kit.manifest["tolerance"]:
        print(f"These are not the outputs of the measurement within {kit.manifest['tolerance']:.2%}.")
        return 1
    return 0
