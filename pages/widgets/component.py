"""Custom Streamlit components (upload, download): markup, style and script lie in `pages/static/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

STATIC = Path(__file__).resolve().parent.parent / "static"


def component(name: str) -> Any:
    """Return the mounting command of the component whose files are called `name`."""
    html, css, js = (
        (STATIC / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    return st.components.v2.component(f"whetstone_{name}", html=html, css=css, js=js)


def route(path: str) -> str:
    """Return the address of an app route below the configured base path."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/{path}" if base else f"/{path}"
