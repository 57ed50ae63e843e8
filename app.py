"""Launches the dashboard: `whetstone serve`, or `streamlit run app.py` in a checkout.

Only the launcher: each page is a file in `pages/`, where `main.py` leads to them; routes for files are in
`pages/routes/`. Links in `pages/` bring this file and its settings into the installed package.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import pages
from core import engine
from core.errors import WhetstoneError
from pages.routes import ROUTES, tickets
from pages.routes.hosts import OwnHosts
from pages.widgets import demo

LOG = logging.getLogger("whetstone")
# The first page comes first: the demo is looked at when it stands.
DEMO_DELAY_S = 3.0
HEADERS = {
    # Whatever a name or a message holds, the browser fetches no picture from outside.
    "Content-Security-Policy": "img-src 'self' data: blob:; media-src 'self' data: blob:; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class SecurityHeaders:
    """Sets headers that browsers use to protect a page; streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Leave the timing cores alone, tidy up, see to runs whose worker died, prepare the demo, and serve."""
    engine.keep_off_timing()
    tickets.sweep()
    try:
        with engine.open_store() as store:
            engine.recover(store)
    except WhetstoneError as error:
        LOG.error("%s %s", error.message, error.hint)
    later = threading.Timer(DEMO_DELAY_S, _prepare_demo)
    later.daemon = True
    later.start()
    yield {}
    later.cancel()


def _prepare_demo() -> None:
    try:
        demo.prepare()
        engine.ensure_worker(ready=True)
    except WhetstoneError as error:
        LOG.warning("The demo is not ready: %s %s", error.message, error.hint)


def apologise(error: Exception) -> bool:
    """Log an error of our own and say so on the page, without a traceback."""
    LOG.error("A page failed", exc_info=error)
    st.error(
        "**Something went wrong on our side.**\n\nReload the page. The server's log says what it was.",
        icon=":material/error:",
    )
    return True


app = st.App(
    Path(pages.__file__).parent / "main.py",
    routes=ROUTES,
    middleware=[Middleware(SecurityHeaders), Middleware(OwnHosts)],
    lifespan=lifespan,
    on_script_error=apologise,
)

if __name__ == "__main__":
    app.run()
