"""Import of a run that was measured elsewhere."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from core import engine
from pages.widgets.page import errors_as_words, go, store


def run_import() -> None:
    """Draw the popover with the file to import; the run is opened at once."""
    with st.popover("Import a run", icon=":material/upload_file:", key="import_run"):
        st.caption("A file that *Export run* or `export-run` wrote. It is shown as measured elsewhere.")
        given = st.file_uploader("Exported run", "zip", key="imported_file", label_visibility="collapsed")
        st.caption("Of more than 1 MB: `python -m core import-run FILE`.")
        if st.button("Import", disabled=given is None, key="import", type="primary") and given is not None:
            with errors_as_words(), TemporaryDirectory() as folder:
                path = Path(folder) / "run.zip"
                path.write_bytes(given.getvalue())
                run = engine.import_run(store(), path)
                go("compare.py", run=run.id)
