"""Non-tensor arguments of a TorchScript module: each is fixed at one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

from core.domain.model import Note
from core.errors import InvalidRequest
from core.protocols import InspectOptions

Value = int | float | bool | None
USUAL: dict[str, tuple[Value, ...]] = {
    "int": (1, 2, 0, 4, 8, 16),
    "bool": (False, True),
    "float": (1.0, 0.0, 0.5),
}
MOST_TRIES = 12


@dataclass(frozen=True)
class Fixable:
    """Arguments that can be fixed.

    Attributes:
        types: TorchScript's type by name.
        stated: Values that a person stated.
    """

    types: Mapping[str, str]
    stated: Mapping[str, Value]

    def values(self) -> Iterator[dict[str, Value]]:
        """Yield values of all arguments, the likeliest first."""
        choices = [
            (self.stated[name],) if name in self.stated else USUAL.get(kind, (None,))
            for name, kind in self.types.items()
        ]
        for chosen in islice(product(*choices), MOST_TRIES):
            yield dict(zip(self.types, chosen, strict=True))


def can_be_fixed(kind: str) -> bool:
    """Whether an argument of this type, which has no default, can be replaced by a value."""
    return kind in USUAL or kind.startswith("Optional[")


def fixable(types: Mapping[str, str], options: InspectOptions) -> tuple[Fixable, InspectOptions]:
    """Return the arguments with what was stated of them, and the options about tensors alone.

    A value is stated where the shape of a tensor would be: ``steps=4``.

    Raises:
        InvalidRequest: More than one number is stated for such an argument.
    """
    stated: dict[str, Value] = {}
    for name in types.keys() & options.shapes.keys():
        given = options.shapes[name]
        if len(given) != 1:
            raise InvalidRequest(
                f"The argument {name!r} is one value of type {types[name]}, not a tensor.",
                hint=f"State it as {name}=4.",
            )
        stated[name] = {"bool": bool, "float": float}.get(types[name], int)(given[0])
    shapes = {name: shape for name, shape in options.shapes.items() if name not in types}
    return Fixable(types, stated), replace(options, shapes=shapes)


def fix(module: Any, names: Sequence[str], values: Mapping[str, Value]) -> Any:
    """Return a TorchScript module that calls `module` with its tensors `names` and with `values`."""
    import torch

    given = [*(f"{name}={name}" for name in names), *(f"{name}={value!r}" for name, value in values.items())]

    class Fixed(torch.jit.ScriptModule):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

    outer: Any = Fixed()
    outer.define(f"def forward(self, {', '.join(names)}):\n    return self.inner({', '.join(given)})\n")
    return outer.eval()


def note(values: Mapping[str, Value]) -> tuple[Note, ...]:
    """Return the note that says what was fixed."""
    if not values:
        return ()
    listed = ", ".join(f"{name} = {value}" for name, value in values.items())
    first = next(iter(values))
    message = f"Arguments that are no tensors are fixed: {listed}. All figures are for these values only."
    return (Note(message, f"State another value as an example shape, such as {first}=4."),)
