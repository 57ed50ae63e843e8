"""Page helpers: the store, the ids in the address, and errors as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import streamlit as st

from core import engine
from core.errors import ErrorRecord, InputError, NotFound, WhetstoneError
from pages.format import plain


@st.cache_resource(show_spinner=False)
def store() -> Any:
    """Return the store of this server."""
    return engine.open_store()


def current(name: str) -> str | None:
    """Return the id that the address names (``?run=…``), else the one this session saw last.

    The address is completed, so that it can always be copied.
    """
    value = st.query_params.get(name) or st.session_state.get(f"current_{name}")
    if value:
        st.session_state[f"current_{name}"] = value
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    return value or None


def remember(name: str, value: str | None) -> None:
    """Make `value` the current id of this session; None forgets it."""
    if value is None:
        st.session_state.pop(f"current_{name}", None)
        st.query_params.pop(name, None)
    else:
        st.session_state[f"current_{name}"] = value


def go(page: str, **ids: str) -> None:
    """Open `page` (its file name) with these ids in its address."""
    for name, value in ids.items():
        remember(name, value)
    st.switch_page(page, query_params=ids)


def show_error(record: ErrorRecord | WhetstoneError) -> None:
    """Show what happened and what to do next; technical detail only when it is opened."""
    hint = f"\n\n{plain(record.hint)}" if record.hint else ""
    st.error(f"**{plain(record.message)}**{hint}", icon=":material/error:")
    if record.traceback and not isinstance(record, InputError):
        with st.expander("Technical detail", icon=":material/terminal:"):
            st.code(record.traceback, language=None, wrap_lines=True)


IDS = ("run", "model", "data", "candidate")


def _lost(error: NotFound) -> None:
    """Say that an id of the address leads nowhere, forget what is remembered, and lead on."""
    for name in IDS:
        st.session_state.pop(f"current_{name}", None)
    show_error(error)
    with st.container(horizontal=True):
        st.page_link("start.py", label="Start", query_params={})
        st.page_link("runs.py", label="All runs", query_params={})


@contextmanager
def errors_as_words() -> Iterator[None]:
    """Show a WhetstoneError as its message and hint instead of a traceback."""
    try:
        yield
    except NotFound as error:
        _lost(error)
    except WhetstoneError as error:
        show_error(error)


def empty(icon: str, title: str, text: str) -> Any:
    """Draw an empty state and return its container, for the buttons that lead on."""
    box = st.container(border=True, horizontal_alignment="center", gap="small")
    box.space("small")
    box.markdown(f"### :material/{icon}: {title}", text_alignment="center", anchors=False)
    box.markdown(f":gray[{text}]", text_alignment="center")
    return box


def emphasis(primary: bool) -> Literal["primary", "secondary"]:
    """Return the type of a button that is the obvious next step, or is not."""
    return "primary" if primary else "secondary"


def dark() -> bool:
    """Return whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"
