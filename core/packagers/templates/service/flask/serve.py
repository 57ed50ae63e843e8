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

LONGEST_HEAD, END = 64 * 1024, b"\r\n\r\n"
SAID = b'{"detail":"The head of the request is longer than 65,536 bytes. Send fewer or shorter headers."}'
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(SAID), SAID)
)
REST_S, LINGER_S = 0.1, 2.0
"""In which a body that nobody asked for must be there, and a caller close a connection that is over."""


class Impatient(ThreadWorker):
    """gunicorn's threads, for callers who send requests in time.

    A thread gets a connection once the whole head is there, and not before: slow callers would hold them all.
    Nor does one wait for callers who keep a connection that is closed.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._body_s = Settings.read().timeout_s
        self._bodies: dict[TConn, float] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection to a thread, or wait for the rest of its head."""
        head, ended = self._head(conn)
        if ended or END in head:
            conn.data_ready, conn.head_until, conn.head_bytes = True, None, -1
            super().enqueue_req(conn)
            return
        if getattr(conn, "head_until", None) is None:
            conn.head_until, conn.head_bytes = monotonic() + HEADERS_S, -1
        # The poller wakes up for further bytes, and for the end of them.
        over, conn.head_bytes = conn.head_bytes == len(head), len(head)
        if len(head) > LONGEST_HEAD:
            with suppress(OSError):  # its caller is gone
                conn.sock.send(TOO_LONG)
            self._linger(conn)
        elif over or conn.head_until <= monotonic():
            self.nr_conns -= 1
            conn.close()
        else:
            self._wait(conn, conn.head_until, partial(self.on_pending_socket_readable, conn))

    def _wait(self, conn: TConn, until: float, ready: Callable[[Any], None]) -> None:
        conn.timeout = until
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, ready)

    def _head(self, conn: TConn) -> tuple[bytes, bool]:
        """Return what came of the next head, also behind the request before, and whether no more will."""
        held = conn.parser.unreader.buf.getvalue() if conn.parser is not None else b""
        conn.sock.setblocking(False)
        try:
            seen = conn.sock.recv(LONGEST_HEAD + 1, socket.MSG_PEEK)
            ended = not seen
        except BlockingIOError:
            seen, ended = b"", False
        except OSError:
            return held, True
        whole = ended or END in held + seen
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if whole else len(seen) + 1)
        return held + seen, ended

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer; the body must come in time, and what of it nobody asked for must be there."""
        self._bodies[conn] = monotonic() + self._body_s
        try:
            kept = super().handle_request(req, conn)
        finally:
            self._bodies.pop(conn, None)
        return kept and conn.parser.finish_body(deadline=monotonic() + REST_S)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Go on with a connection, or close it; gunicorn would wait for its caller and answer nobody else."""
        if not fs.cancelled() and fs.exception() is None and not fs.result():
            self._linger(conn)
        else:
            super().finish_request(conn, fs)

    def _linger(self, conn: TConn) -> None:
        """Close a connection once its caller did, or soon: at once, the answer could get lost on its way."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except OSError:  # it is closed already
            self.nr_conns -= 1
            conn.close()
            return
        self._wait(conn, monotonic() + LINGER_S, lambda _: self._drain(conn))

    def _drain(self, conn: TConn) -> None:
        try:
            more = conn.sock.recv(LONGEST_HEAD)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self._drop(conn)

    def _drop(self, conn: TConn) -> None:
        self.pending_conns.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close connections whose time is over, and end bodies that are late: their requests get 408."""
        now = monotonic()
        for conn in [each for each in self.pending_conns if each.timeout <= now]:
            self._drop(conn)
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
