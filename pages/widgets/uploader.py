"""An upload box whose file goes straight to the app's own route, with a progress bar.

`st.file_uploader` keeps the whole file in the server's memory; this one costs none.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.settings import get_settings
from pages.format import size
from pages.routes import tickets
from pages.routes.upload import COOKIE
from pages.widgets.component import component, route

_component = component("uploader")


def _received(key: str, owner: str) -> None:
    """Take the file and renew the ticket, before the box is drawn again."""
    done = st.session_state[key].uploaded or {}
    st.session_state[f"arrived_{key}"] = tickets.take(str(done.get("token", "")), owner)
    st.session_state[f"ticket_{key}"] = tickets.issue(owner)


def uploader(label: str, hint: str, *, key: str, several: bool = False) -> Path | None:
    """Draw an upload box; return the uploaded file in the run that follows the upload, else None.

    Args:
        label: What to drop here.
        hint: Which formats, in words.
        key: Unique on the page.
        several: Whether files that belong together may come together: then what is returned is their folder.
    """
    owner = tickets.owner_of(st.context.cookies.get(COOKIE))
    slot = f"ticket_{key}"
    if slot not in st.session_state:
        st.session_state[slot] = tickets.issue(owner)
    limit = get_settings().upload_limit_bytes
    token = st.session_state[slot]
    data = {
        "label": label,
        "hint": f"{hint} Up to {size(limit)}.",
        "token": token,
        "url": route(f"upload/{token}"),
        "limit": limit,
        "several": several,
        "limit_text": size(limit),
    }
    _component(key=key, data=data, on_uploaded_change=lambda: _received(key, owner))
    arrived: Path | None = st.session_state.pop(f"arrived_{key}", None)
    return arrived
