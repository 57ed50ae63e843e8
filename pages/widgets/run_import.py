"""Import of a run that was measured elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import streamlit as st

from core import engine
from pages.widgets.page import errors_as_words, go, store
from pages.widgets.uploader import uploader


def run_import() -> None:
    """Draw the popover with the box for the file; the run is opened at once."""
    with st.popover("Import a run", icon=":material/upload_file:", key="import_run"):
        st.caption("It is shown as measured elsewhere, with all its tabs.")
        hint = "What Export run or export-run wrote."
        path = uploader("Drop an exported run here, or choose a file", hint, key="imported_file")
        if path is not None:
            with errors_as_words():
                go("compare.py", run=_taken_in(path))


def _taken_in(path: Path) -> str:
    """Return the id of the imported run; the upload is deleted."""
    try:
        return engine.import_run(store(), path).id
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)
