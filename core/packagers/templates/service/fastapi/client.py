"""Ask the service with the golden inputs, and compare.

python client.py http://127.0.0.1:8000 [--key KEY]
"""

from __future__ import annotations

import argparse
import io
import sys
import urllib.error
import urllib.request

import numpy as np

from serving.inputs import Feed
from serving.kit import MODELS, Kit
from serving.outputs import as_npz
from serving.settings import Settings


def ask(address: str, feed: Feed, key: str = "") -> Feed:
    """Return the outputs of one request."""
    headers = {"Content-Type": "application/x-npz", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{address}/predict", as_npz(feed), headers)
    with urllib.request.urlopen(request, timeout=60) as answer, np.load(io.BytesIO(answer.read())) as arrays:
        return dict(arrays)


def main() -> int:
    """Ask and compare; 1 where the service refuses, or answers otherwise than it was measured to."""
    parser = argparse.ArgumentParser(description="Ask a running service with the golden inputs.")
    parser.add_argument("address", help="such as http://127.0.0.1:8000")
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
    # Of detections, whose number may differ, only the kit's own verify.py can tell.
    if not kit.manifest["detects"] and worst > kit.manifest["tolerance"]:
        print(f"These are not the outputs of the measurement within {kit.manifest['tolerance']:.2%}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
