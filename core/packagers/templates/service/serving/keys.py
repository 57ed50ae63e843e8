"""API keys: only their hashes are kept.

    python -m serving.keys add NAME [--admin]   makes a key, prints it once and keeps its hash
    python -m serving.keys remove NAME

A key holds 256 random bits, so a plain SHA-256 cannot be turned back; passwords would need a slow hash.
"""

from __future__ import annotations

import argparse
import hmac
import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from serving.errors import Refused
from serving.settings import keys_file


@dataclass(frozen=True)
class Caller:
    """Who asks: the name of the key, and whether it may change versions."""

    name: str
    admin: bool = False


class Keys:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path, self._stamp = path, -1
        self._known: list[tuple[str, Caller]] = []

    def caller(self, key: str) -> Caller:
        """Return whose key this is. Every hash is compared, each in constant time.

        Raises:
            Refused: Nobody's.
        """
        given, found = sha256(key.encode()).hexdigest(), None
        for kept, caller in self._read():
            if hmac.compare_digest(given, kept):
                found = caller
        if found is None:
            raise Refused(
                401,
                "Give a valid API key in the header Authorization: Bearer KEY.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found

    def _read(self) -> list[tuple[str, Caller]]:
        stamp = self._path.stat().st_mtime_ns if self._path.is_file() else 0
        if stamp != self._stamp:
            held = load(self._path)
            self._known = [
                (each["sha256"], Caller(name, each.get("admin", False))) for name, each in held.items()
            ]
            self._stamp = stamp
        return self._known


def load(path: Path) -> dict[str, Any]:
    """Return what is kept of each key by its name; nothing where there is no file."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
    return found


def save(path: Path, held: dict[str, Any]) -> None:
    """Write the file. The service may run as another user; hashes of random keys are no secret."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(held, indent=2) + "\n", encoding="utf8")
    partial.chmod(0o644)
    partial.replace(path)


def main() -> None:
    """Add or remove a key."""
    parser = argparse.ArgumentParser(description="Add or remove API keys.")
    parser.add_argument("action", choices=("add", "remove"))
    parser.add_argument("name")
    parser.add_argument("--admin", action="store_true", help="may change versions")
    options, path = parser.parse_args(), keys_file()
    held = load(path)
    if options.action == "remove":
        if held.pop(options.name, None) is None:
            parser.error(f"There is no key {options.name}.")
    else:
        key = secrets.token_urlsafe(32)
        held[options.name] = {"sha256": sha256(key.encode()).hexdigest(), "admin": options.admin}
        print(key)
    save(path, held)


if __name__ == "__main__":
    main()
