"""URL state: what a person has set on a page, so that it survives a reload and can be sent.

Every setting belongs to an owner, such as a run. The session remembers it by owner, so that it is there again
on the way to another page and back; the address wins over what is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

ON_PAGE = "settings_on_page"
RUN = (
    *("drop", "latency", "size", "memory", "rate", "price"),
    *("axis", "up", "scale", "color", "techniques", "runtimes", "states", "within"),
    *("selected", "part", "other", "against", "machine"),
)
"""The settings that the pages of a run share."""
ON = "on"


def _held(owner: str) -> dict[str, str]:
    held: dict[str, str] = st.session_state.setdefault(f"settings_of_{owner}", {})
    return held


def settings(owner: str, names: Sequence[str]) -> Mapping[str, str]:
    """Return what is set for `owner`, whose page this is, and complete the address with it."""
    st.session_state[ON_PAGE] = owner
    held = _held(owner)
    held.update({name: st.query_params[name] for name in names if name in st.query_params})
    for name, value in held.items():
        if name in names and st.query_params.get(name) != value:
            st.query_params[name] = value
    return held


def put(owner: str, name: str, value: str | None) -> None:
    """Set `name` for `owner`; None takes it back.

    The address follows where `owner`'s page is shown: a browser may report widgets of the page before.
    """
    held = _held(owner)
    if value is None:
        held.pop(name, None)
    else:
        held[name] = value
    if st.session_state.get(ON_PAGE, owner) != owner:
        return
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def remember_settings(owner: str, values: Mapping[str, str]) -> None:
    """Set `values` for `owner`, and nothing else, for the page that is opened next."""
    st.session_state[f"settings_of_{owner}"] = dict(values)


def on_change(owner: str, name: str, key: str, text: Callable[[Any], str | None] = str) -> dict[str, Any]:
    """Return a widget's arguments that put its value, spelled by `text`, into the address when it changes."""

    def changed() -> None:
        put(owner, name, text(st.session_state[key]))

    return {"key": key, "on_change": changed}


def number(text: str | None, low: float, high: float) -> float | None:
    """Return the number that an address holds, or None where it holds none between `low` and `high`."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if low <= value <= high else None
