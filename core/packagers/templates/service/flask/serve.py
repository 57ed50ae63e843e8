"""Run the service under gunicorn: one process with the model, and threads for callers.

    python serve.py                serves on port 8000 of this machine alone
    python serve.py --host 0.0.0.0 --port 8000
    python serve.py --check        asks a running service whether it is ready; exit code 0 if so

It ends on SIGTERM: requests that wait are answered first. More processes would each load the model.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker

from serving.running import CLOSING_S, HEADERS_S, KEEP_ALIVE_S, MOST_CONNECTIONS, REQUEST_THREADS, run
from serving.settings import Settings

LONGEST_HEAD = 64 * 1024


class Impatient(ThreadWorker):
    """gunicorn's threads, for callers who send requests in time.

    A thread gets a connection once the whole head is there, and not before: slow callers would hold them all.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._body_s = Settings.read().timeout_s
        self._bodies: dict[TConn, float] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection to a thread, or wait for the rest of its head."""
        if self._whole_head(conn):
            conn.data_ready, conn.head_until = True, None
            super().enqueue_req(conn)
            return
        if getattr(conn, "head_until", None) is None:
            conn.head_until = monotonic() + HEADERS_S
        conn.timeout = conn.head_until
        self.pending_conns.append(conn)
        ready = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, ready)

    def _whole_head(self, conn: TConn) -> bool:
        if conn.parser is not None and conn.parser.unreader.buf.getvalue():
            return True
        conn.sock.setblocking(False)
        try:
            seen = conn.sock.recv(LONGEST_HEAD, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        whole = not seen or b"\r\n\r\n" in seen or len(seen) == LONGEST_HEAD
        # The poller wakes up for further bytes alone.
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if whole else len(seen) + 1)
        return whole

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer; the body must come in time."""
        self._bodies[conn] = monotonic() + self._body_s
        try:
            return super().handle_request(req, conn)
        finally:
            self._bodies.pop(conn, None)

    def murder_pending(self) -> None:
        """Close connections without a head, and end bodies that are late: their requests get 408."""
        super().murder_pending()
        now = monotonic()
        for conn, until in list(self._bodies.items()):
            if until < now and self._bodies.pop(conn, None) is not None:
                with suppress(OSError):  # its caller is gone
                    conn.sock.shutdown(socket.SHUT_RD)


class InBackground(Impatient):
    """The same within a thread, which gets no signals."""

    def init_signals(self) -> None:
        """Leave signals to the process."""


class Gunicorn(BaseApplication):
    """gunicorn with the settings of this service.

    Args:
        options: Of gunicorn besides.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        settings = {
            "workers": 1,
            "threads": REQUEST_THREADS,
            "worker_class": Impatient,
            "worker_connections": MOST_CONNECTIONS,
            "keepalive": KEEP_ALIVE_S,
            "graceful_timeout": CLOSING_S,
            "limit_request_field_size": 8190,
            "loglevel": "warning",
            "worker_exit": lambda _server, _worker: _close(),
            **self._options,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Load the model in the process that answers."""
        from app import app

        return app


def _close() -> None:
    from app import service

    service.close()


def start(descriptor: int) -> Callable[[], None]:
    """Serve in the background on a listening socket, and return what ends it."""
    gunicorn = Gunicorn()
    config, log = gunicorn.cfg, gunicorn.cfg.logger_class(gunicorn.cfg)
    listening = socket.socket(fileno=os.dup(descriptor))
    # As gunicorn sets it on sockets that it makes: else the body of an answer waits for the head's receipt.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    worker = InBackground(0, os.getppid(), [listening], gunicorn, 0, config, log)
    thread = threading.Thread(target=worker.init_process, name="http", daemon=True)
    thread.start()

    def end() -> None:
        worker.alive = False
        thread.join(CLOSING_S)
        _close()

    return end


if __name__ == "__main__":
    sys.exit(run(lambda host, port: Gunicorn(bind=f"{host}:{port}").run()))
