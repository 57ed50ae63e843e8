"""Parameters of extensions: frozen dataclasses whose field metadata draws forms and checks input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, field, fields
from typing import Any

import msgspec

from core.errors import InvalidRequest


def setting(
    default: Any,
    label: str,
    *,
    help: str = "",
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] = (),
    strength: bool = False,
    words: Mapping[Any, str] | None = None,
    precision: bool = False,
) -> Any:
    """Return a dataclass field that describes itself.

    Args:
        default: Value when nothing is said.
        label: For forms, sentence case.
        help: One sentence on what it trades for what.
        unit: Shown behind the label.
        low: Smallest allowed value.
        high: Largest allowed value.
        choices: Allowed values, in the order to show them.
        strength: A larger number does more of the technique, faster and less accurate: a search strategy may
            move it between `low` and `high`.
        words: How names of recipes tell a value, where it does not tell itself.
        precision: It chooses in which precision numbers are stored or computed: names of recipes tell every
            value that has a word, defaults too, and exports leave it to their own precision.
    """
    metadata = {"label": label, "help": help, "unit": unit, "low": low, "high": high, "choices": choices}
    further = {"strength": strength, "words": words or {}, "precision": precision}
    return field(default=default, metadata=metadata | further)


def _check(spec: Field[Any], value: Any) -> None:
    meta = spec.metadata
    low, high, choices = meta.get("low"), meta.get("high"), meta.get("choices")
    if value is None:
        return
    if choices and value not in choices:
        listed = ", ".join(str(choice) for choice in choices)
        raise InvalidRequest(f"{spec.name} is {value!r}.", hint=f"Choose one of: {listed}.")
    # Asked this way around, what is no number is out of range.
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise InvalidRequest(f"{spec.name} is {value}.", hint=f"Choose a value from {low} to {high}.")


def make(kind: type[Any], values: dict[str, Any]) -> Any:
    """Return a `kind` made of `values` over its defaults.

    Raises:
        InvalidRequest: An unknown name, a wrong type, or a value out of range.
    """
    known = {f.name: f for f in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidRequest(f"Unknown parameter: {', '.join(unknown)}.", hint=f"Known: {', '.join(known)}.")
    try:
        checked = msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at ")
        name = where.strip("`").removeprefix("$.")
        raise InvalidRequest(
            f"The parameter {name} has a wrong type: {said[:1].lower()}{said[1:]}.",
            hint=f"Its default is {known[name].default!r}." if name in known else "Correct its value.",
        ) from error
    for name, spec in known.items():
        _check(spec, getattr(checked, name))
    # msgspec leaves defaults on the class, where serialization does not see them.
    return kind(**{name: getattr(checked, name) for name in known})
