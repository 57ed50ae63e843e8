"""The child's pipe to its parent: one line of JSON for every answer, and for what is said before it."""

from __future__ import annotations

import threading
from typing import BinaryIO

from core.sandbox.protocol import Message, encode

_pipes: list[BinaryIO] = []
_sending = threading.Lock()


def send_to(pipe: BinaryIO) -> None:
    """Send what follows into `pipe`."""
    _pipes[:] = [pipe]


def send(line: bytes) -> None:
    """Send one encoded message; lines of several threads do not mix."""
    with _sending:
        for pipe in _pipes:
            pipe.write(line)
            pipe.flush()


def tell(progress: Message) -> None:
    """Tell the parent how far the command in progress is; without a parent nobody hears it."""
    send(encode({"progress": progress}))
