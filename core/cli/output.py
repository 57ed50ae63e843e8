"""Results on stdout; everything for people goes to stderr or is not asked for beside them."""

from __future__ import annotations

import json
import sys
from typing import Any

from core.serde import to_plain


def print_json(value: Any) -> None:
    """Print a dataclass or plain value as indented JSON."""
    sys.stdout.write(json.dumps(to_plain(value), indent=2) + "\n")
