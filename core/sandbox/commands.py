"""Typed commands: what a working process is asked and what it answers, declared once for both sides.

TIME = Command("time", Time, Times)
COMMANDS = dict([TIME.done_by(time_calls)])           # in the child's module
child.call(TIME.name, to_plain(Time(...)), timeout)   # in the parent: answers are input, see `answers`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.sandbox.protocol import Message
from core.serde import from_plain, to_plain

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True)
class Command(Generic[Q, A]):
    """A command of a working process.

    Attributes:
        name: Among the commands of its module.
        request: Type of what it is asked, a msgspec struct.
        answer: Type of what it answers, a msgspec struct.
    """

    name: str
    request: type[Q]
    answer: type[A]

    def done_by(self, do: Callable[[Q], A]) -> tuple[str, Callable[[Message], Message]]:
        """Return its name, and `do` on plain values: an entry of the child's ``COMMANDS``."""

        def plainly(payload: Message) -> Message:
            answered: Message = to_plain(do(from_plain(payload, self.request)))
            return answered

        return self.name, plainly
