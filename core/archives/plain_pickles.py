"""Restricted unpickler that builds plain values: nothing that a pickle names is imported or called.

A pickle is a program for a small stack machine; Python's own machine reads it here, but names become builders
of ours or inert placeholders, and what is not one of these cannot be called. Source: pickle.py.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import IO, Any, ClassVar

from core.archives.pickles import modern_name
from core.archives.plain_values import (
    BUILDERS,
    OBJECTS,
    TOKENS,
    DataType,
    Inert,
    Later,
    LaterArray,
    hashable,
)
from core.errors import UnsafeUpload

OWN = ("torch", "torchvision", "numpy")
"""Libraries whose every plain name is known here: the rest of them is refused by name."""

HELD = ("torch.optim.", "typing.")
"""Objects of these hold plain values, such as a schedule beside the weights."""

Builders = dict[str, Callable[..., Any]]


class Name:
    """A name in a pickle. It leads nowhere but to a builder of ours."""

    def __init__(self, name: str) -> None:
        self.name = name


def is_plain(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether a name may occur in a pickle of plain values: what it stands for is built here or left out.

    Classes of other libraries and of the author's own may occur: their objects stay inert, and are refused
    where they would be made by a call with arguments.
    """
    if name in BUILDERS or name in TOKENS or name in OBJECTS or name in more or name.startswith(HELD):
        return True
    top = name.partition(".")[0]
    return (top.isidentifier() and top not in OWN and top not in sys.stdlib_module_names) or top == "__main__"


class PlainUnpickler(pickle._Unpickler):
    """Reads one pickle.

    Args:
        stream: At the pickle's start.
        builders: More builders by name, such as those of tensors.
        persistent: Returns what a persistent id stands for.
    """

    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream: IO[bytes], builders: Builders, persistent: Callable[[Any], Any]) -> None:
        super().__init__(stream, encoding="latin1")
        self._builders, self._persistent = BUILDERS | builders, persistent

    def find_class(self, module: str, name: str) -> Any:
        """Return a placeholder; nothing is imported."""
        full = modern_name(module, name)
        if not is_plain(full, frozenset(self._builders)):
            raise refusal(full)
        return Name(full)

    def persistent_load(self, pid: Any) -> Any:
        """Return what the reader of the file makes of `pid`."""
        return self._persistent(pid)

    def get_extension(self, code: int) -> None:
        """Refuse: extension codes name what a registry says.

        Raises:
            UnsafeUpload: Always.
        """
        raise refusal(f"extension code {code}")

    def _instantiate(self, klass: Any, args: Any) -> None:
        self.append(self._made(klass, args))

    def _made(self, name: Any, args: Any) -> Any:
        if not isinstance(name, Name):
            raise UnsafeUpload("The file calls something that is no class.", hint=HINT)
        builder = self._builders.get(name.name)
        if builder is not None:
            return builder(*args)
        if args or name.name in TOKENS - OBJECTS:
            raise refusal(name.name)
        return Inert(name.name)

    def _reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._made(self.stack[-1], args)

    def _new(self) -> None:
        args, name = self.stack.pop(), self.stack.pop()
        self.append(self._made(name, args))

    def _new_with_names(self) -> None:
        named, args, name = self.stack.pop(), self.stack.pop(), self.stack.pop()
        if named:
            raise refusal(getattr(name, "name", "something"))
        self.append(self._made(name, args))

    def _build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, LaterArray | DataType):
            made.set_state(state)
        elif isinstance(made, Inert):
            made.state = state

    def _items(self) -> None:
        values = self.pop_mark()
        self._put(values[::2], values[1::2])

    def _item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key], [value])

    def _put(self, keys: list[Any], values: list[Any]) -> None:
        made = self.stack[-1]
        if not isinstance(made, dict):
            raise UnsafeUpload(f"The file fills a {type(made).__name__} like a dictionary.", hint=HINT)
        made.update(zip(hashable(keys), values, strict=True))

    def _dict(self) -> None:
        values = self.pop_mark()
        self.append({})
        self._put(values[::2], values[1::2])

    def _frozenset(self) -> None:
        self.append(frozenset(hashable(self.pop_mark())))

    def _many(self) -> None:
        self._extend(self.pop_mark())

    def _one(self) -> None:
        self._extend([self.stack.pop()])

    def _extend(self, values: list[Any]) -> None:
        made = self.stack[-1]
        if isinstance(made, set):
            made.update(hashable(values))
        elif isinstance(made, list):
            made.extend(values)
        elif isinstance(made, Inert):
            made.update(enumerate(values, len(made)))
        else:
            raise UnsafeUpload(f"The file fills a {type(made).__name__} like a list.", hint=HINT)

    dispatch |= {
        pickle.REDUCE[0]: _reduce,
        pickle.NEWOBJ[0]: _new,
        pickle.NEWOBJ_EX[0]: _new_with_names,
        pickle.BUILD[0]: _build,
        pickle.DICT[0]: _dict,
        pickle.FROZENSET[0]: _frozenset,
        pickle.SETITEMS[0]: _items,
        pickle.SETITEM[0]: _item,
        pickle.APPENDS[0]: _many,
        pickle.APPEND[0]: _one,
        pickle.ADDITEMS[0]: _many,
    }


HINT = 'Save the weights alone: torch.save(model.state_dict(), "model.pt")'


def refusal(name: str) -> UnsafeUpload:
    """Return the error about a name that a pickle calls."""
    return UnsafeUpload(f"Opening the file would run Python code: it asks for {name}.", hint=HINT)


def whole(value: Any) -> Any:
    """Return `value` with what is whole now in place of what stood for it while the pickle was read."""
    holder = [value]
    waiting: list[list[Any] | dict[Any, Any]] = [holder]
    seen: set[int] = set()
    # Each tuple once: a few that hold one another twice would else be more lists than any memory holds.
    lists: dict[int, tuple[Any, list[Any]]] = {}
    while waiting:
        held = waiting.pop()
        if id(held) in seen:
            continue
        seen.add(id(held))
        for key, inner in enumerate(held) if isinstance(held, list) else list(held.items()):
            if isinstance(inner, tuple):
                inner = lists.setdefault(id(inner), (inner, list(inner)))[1]
            held[key] = inner.finished() if isinstance(inner, Later) else inner
            if isinstance(inner, dict | list):
                waiting.append(inner)
    return holder[0]
