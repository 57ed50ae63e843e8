"""Navigation: every page is a file beside this one and can be opened by its address."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.widgets.dataset import FAILED
from pages.widgets.models import PENDING
from pages.widgets.page import errors_as_words

STATIC = Path(__file__).parent / "static"

PAGES = [
    st.Page("start.py", title="Start", default=True, help="Upload a model or try one."),
    st.Page("model.py", title="Model", help="What the model is and can do."),
    st.Page("optimize.py", title="Optimize", help="Set up a run and watch it."),
    st.Page("export.py", title="Export", help="Build a model for where it will run."),
    st.Page("compare.py", title="Compare", help="Every candidate of a run."),
    st.Page("candidate.py", title="Candidate", visibility="hidden"),
    st.Page("deploy.py", title="Deploy", help="Make a service of a candidate and try it."),
    st.Page("watch.py", title="Watch", help="What a running service does."),
    st.Page("runs.py", title="Runs", help="Everything that was run before."),
    st.Page("learn.py", title="Learn", help="What each technique, runtime and format does."),
    st.Page("machine.py", title="Machine", help="This computer and its runtimes."),
]

st.set_page_config(page_icon=str(STATIC / "icon.svg"), layout="wide")
page = st.navigation(PAGES, position="top")
st.set_page_config(page_title=f"{page.title} · Whetstone")
st.html(STATIC / "contrast.css")
st.logo(str(STATIC / "logo.svg"), icon_image=str(STATIC / "logo.svg"), size="large")

if st.session_state.get("page") != page.url_path:
    st.session_state["page"] = page.url_path
    st.session_state.pop(PENDING, None)
    st.session_state.pop(FAILED, None)

with errors_as_words():
    page.run()
