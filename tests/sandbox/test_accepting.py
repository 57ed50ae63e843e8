"""A confined process may serve on the socket that it was given, and open no other."""

from __future__ import annotations

import socket
from pathlib import Path

from core.sandbox import landlock
from core.sandbox.process import Child

COMMANDS = "tests.sandbox.child_commands"
ROOT = Path(__file__).parents[2]


def test_it_accepts_on_the_given_socket_and_connects_nowhere(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        env = {"PYTHONPATH": str(ROOT)}
        with (
            Child(COMMANDS, writes=tmp_path, reads=[ROOT], env=env, accepts=listening.fileno()) as child,
            socket.create_connection(("127.0.0.1", port)) as caller,
        ):
            told = child.call("accept_one", {"descriptor": listening.fileno(), "port": port}, 30)
            assert caller.recv(10) == b"hello"
    assert told == {"accepted": True, "made": "PermissionError"}


def test_it_serves_on_the_given_port_and_makes_no_other_socket(tmp_path: Path) -> None:
    answered: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()

        def ask(_: object) -> None:
            with socket.create_connection(("127.0.0.1", port)) as caller:
                answered.append(caller.recv(10))

        with Child(COMMANDS, writes=tmp_path, reads=[ROOT], env={"PYTHONPATH": str(ROOT)}, binds=port) as it:
            asked = {"port": port, "other": other.getsockname()[1]}
            told = it.call("serve_on_port", asked, 30, on_progress=ask)
    assert answered == [b"hello"]
    # Kernels before 6.7 do not tell ports apart.
    assert told["made"] == ([] if landlock.abi() >= 4 else ["another port"])


def test_without_leave_it_may_not_even_listen(tmp_path: Path) -> None:
    with Child(COMMANDS, writes=tmp_path, reads=[ROOT], env={"PYTHONPATH": str(ROOT)}) as child:
        assert child.call("listen_on_pair", {}, 30) == {"listened": "PermissionError"}
