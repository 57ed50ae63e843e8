"""Parameter forms from a frozen `Params` dataclass: label, help, unit, range and choices are its metadata."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import Field, fields
from typing import Any

import streamlit as st


def _label(spec: Field[Any]) -> str:
    unit = spec.metadata.get("unit")
    label = str(spec.metadata.get("label") or spec.name.replace("_", " ").capitalize())
    return f"{label} ({unit})" if unit else label


def _words(value: object) -> str:
    return str(value).replace("_", " ")


def _number(spec: Field[Any], value: Any, key: str) -> Any:
    meta, whole = spec.metadata, "int" in str(spec.type)
    kind: Any = int if whole else float
    low, high = (None if meta.get(end) is None else kind(meta[end]) for end in ("low", "high"))
    narrow = low is not None and high is not None and high - low <= 2
    options: dict[str, Any] = {
        "min_value": low,
        "max_value": high,
        "value": None if value is None else kind(value),
        "step": 1 if whole else 0.05 if narrow else 0.1,
    }
    help = meta.get("help") or None
    return st.number_input(_label(spec), help=help, placeholder="Automatic", key=key, **options)


def _field(spec: Field[Any], value: Any, key: str) -> Any:
    meta, kind = spec.metadata, str(spec.type)
    help = meta.get("help") or None
    if meta.get("choices"):
        choices = list(meta["choices"])
        at = choices.index(value) if value in choices else 0
        return st.selectbox(
            _label(spec),
            choices,
            at,
            key=key,
            help=help,
            format_func=_words,
        )
    if kind.startswith("bool"):
        return st.toggle(_label(spec), value=bool(value), key=key, help=help)
    if "int" in kind or "float" in kind:
        return _number(spec, value, key)
    return st.text_input(_label(spec), value=str(value or ""), key=key, help=help)


def params_form(
    kind: type[Any],
    *,
    key: str,
    start: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """Draw a field for each parameter of `kind`, or those named, set to `start`; return what was changed."""
    wanted = [each for each in fields(kind) if only is None or each.name in only]
    return fields_form(wanted, key=key, start=start)


def fields_form(
    specs: Iterable[Field[Any]], *, key: str, start: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Draw a field for each parameter, set to `start`; return what was changed."""
    chosen = {}
    for spec in specs:
        value = _field(spec, (start or {}).get(spec.name, spec.default), f"{key}_{spec.name}")
        if value != spec.default and not (value is None or (value == "" and spec.default is None)):
            chosen[spec.name] = value
    return chosen
