"""A store of its own for every page test, seeded with runs in every state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.engine import open_store
from core.store.store import Store

MAIN = Path(__file__).parents[2] / "pages" / "main.py"

Open = Callable[..., AppTest]


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    """Give the pages an empty store."""
    st.cache_resource.clear()
    st.cache_data.clear()
    with open_store() as opened:
        yield opened
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def open_page(store: Store) -> Open:
    """Return a function that opens a page by its file name with ids in the address."""

    def opened(page: str, **ids: str) -> AppTest:
        app = AppTest.from_file(str(MAIN), default_timeout=30)
        for folded in ("same_elsewhere", "share_results"):
            app.session_state[folded] = True
        app.run()
        for name, value in ids.items():
            app.query_params[name] = value
        if page != "start.py":
            app.switch_page(page)
        app.run()
        assert not app.exception
        return app

    return opened


def words(app: AppTest) -> str:
    """Return everything that the page says."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(each.value) for kind in kinds for each in app.get(kind))


def rows_of(chart: Any) -> list[dict[str, Any]]:
    """Return the rows of a Vega-Lite chart."""
    sent = chart.proto.data.data or chart.proto.datasets[0].data.data
    rows: list[dict[str, Any]] = pa.ipc.open_stream(sent).read_all().to_pylist()
    return rows
