"""The files of a service, to be read before they are downloaded."""

from __future__ import annotations

import streamlit as st

from core.views import ServiceView
from pages import format as fmt

LANGUAGES = {
    ".py": "python",
    ".md": "markdown",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".conf": "nginx",
    ".service": "ini",
    ".properties": "properties",
    ".proto": "protobuf",
    ".pbtxt": "protobuf",
    "Dockerfile": "docker",
}


@st.fragment
def files(view: ServiceView) -> None:
    """Draw a list of the files, and the one that is chosen."""
    shown = [name for name, text in view.files.items() if text is not None]
    left, right = st.columns([1, 3], gap="medium")
    with left:
        name = st.selectbox("File", shown, key="service_file", label_visibility="collapsed")
        total = sum(view.sizes.values())
        st.caption(
            f"{len(view.sizes)} files, {fmt.size(total)}. The model and its golden inputs are not text."
        )
    text = view.files.get(name or "") or ""
    language = next((each for end, each in LANGUAGES.items() if (name or "").endswith(end)), None)
    right.code(text, language=language, height=420, wrap_lines=language == "markdown")
