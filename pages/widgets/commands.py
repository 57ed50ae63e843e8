"""Equivalent command line and Python code of what was clicked."""

from __future__ import annotations

import streamlit as st

from pages.widgets.folded import folded


def same_elsewhere(
    command: str, python: str, *, label: str = "The same on the command line and in Python"
) -> None:
    """Draw both in an expander, ready to copy."""

    def draw() -> None:
        st.caption("Command line")
        st.code(command, language="bash", wrap_lines=True)
        st.caption("Python")
        st.code(python, language="python", wrap_lines=True)

    folded(label, draw, icon=":material/terminal:", key="same_elsewhere")
