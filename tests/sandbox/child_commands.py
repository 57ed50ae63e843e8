from __future__ import annotations

import ctypes
import fcntl
import math
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import UnsafeUpload
from core.sandbox import kernel, seccomp
from core.sandbox.kernel import syscall
from core.sandbox.replies import tell

Message = dict[str, Any]


def echo(payload: Message) -> Message:
    return payload


def numbers(payload: Message) -> Message:
    return {"nan": math.nan, "inf": math.inf, "path": Path("a/b")}


def environment(payload: Message) -> Message:
    return {"env": dict(os.environ), "modules": sorted(sys.modules)}


def read(payload: Message) -> Message:
    return {"text": Path(payload["path"]).read_text(errors="replace")[:100]}


def write(payload: Message) -> Message:
    Path(payload["path"]).write_bytes(b"x" * payload.get("bytes", 1))
    return {}


def copy(payload: Message) -> Message:
    return {"path": shutil.copy2(payload["source"], payload["target"])}


def system(payload: Message) -> Message:
    return {"out": subprocess.run(payload["argv"], capture_output=True, text=True, check=True).stdout}


def accept_one(payload: Message) -> Message:
    listening = socket.socket(fileno=payload["descriptor"])
    listening.listen(5)
    accepted, _ = listening.accept()
    accepted.sendall(b"hello")
    try:
        socket.create_connection(("127.0.0.1", payload["port"]), timeout=5)
    except OSError as error:
        return {"accepted": True, "made": type(error).__name__}
    return {"accepted": True, "made": "a connection"}


def serve_on_port(payload: Message) -> Message:
    """Try other sockets, other ports and what opens connections, then serve; say what worked."""
    kinds = {"udp": (socket.SOCK_DGRAM, 0), "mptcp": (socket.SOCK_STREAM, 262), "raw": (socket.SOCK_RAW, 6)}
    attempts: dict[str, Callable[[], object]] = {
        **{name: lambda kind=kind: socket.socket(socket.AF_INET, *kind) for name, kind in kinds.items()},
        "unix": lambda: socket.socket(socket.AF_UNIX),
        "fast open": lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", payload["other"])),
        "connect": lambda: socket.create_connection(("127.0.0.1", payload["other"]), timeout=5),
        "another port": lambda: socket.socket().bind(("127.0.0.1", 0)),
    }
    made = [name for name, do in attempts.items() if _works(do)]
    with socket.create_server(("127.0.0.1", payload["port"])) as listening:
        tell({"listens": 1})
        listening.accept()[0].sendall(b"hello")
    return {"made": made}


def _works(do: Callable[[], object]) -> bool:
    try:
        do()
    except OSError:
        return False
    return True


def listen_on_pair(payload: Message) -> Message:
    try:
        socket.socketpair()[0].listen(1)
    except OSError as error:
        return {"listened": type(error).__name__}
    return {"listened": "yes"}


def connect(payload: Message) -> Message:
    socket.create_connection((payload["host"], payload["port"]), timeout=5).close()
    return {}


def kill(payload: Message) -> Message:
    os.kill(payload["pid"], payload.get("signal", signal.SIGTERM))
    return {}


def fork(payload: Message) -> Message:
    if (pid := os.fork()) == 0:
        time.sleep(600)
    return {"pid": pid}


def open_many(payload: Message) -> Message:
    return {"opened": len([os.open(os.devnull, os.O_RDONLY) for _ in range(payload["count"])])}


def call(payload: Message) -> Message:
    """Any function of `os` by name: the shortest way to try one system call."""
    return {"value": getattr(os, payload["name"])(*payload["args"])}


def reschedule(payload: Message) -> Message:
    """Ask for the first core, or for the class of batch jobs, on behalf of `pid`."""
    name, pid = payload["name"], payload["pid"]
    if name == "sched_setaffinity":
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
    elif name == "sched_setscheduler":
        os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
    elif name == "sched_setparam":
        os.sched_setparam(pid, os.sched_param(0))
    else:
        syscall(
            seccomp._number(name), pid, ctypes.byref((ctypes.c_uint32 * 12)(48, os.SCHED_BATCH, 0, 0, 5)), 0
        )
    return {}


def send_to_path(payload: Message) -> Message:
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    pair[0].sendto(b"hi", payload["path"])
    return {}


def talk_to_itself(payload: Message) -> Message:
    one, other = socket.socketpair()
    one.sendall(b"hi")
    return {"got": other.recv(2).decode()}


def outlive(payload: Message) -> Message:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, 0)
    return {}


def watch_files(payload: Message) -> Message:
    return {"descriptor": _checked(ctypes.CDLL(None, use_errno=True).inotify_init())}


def signal_by_pipe(payload: Message) -> Message:
    """Let the kernel send a signal of our choice to `pid` when a socket can be read."""
    reader, writer = socket.socketpair()
    fcntl.fcntl(reader, fcntl.F_SETOWN, payload["pid"])
    fcntl.fcntl(reader, fcntl.F_SETSIG, payload["signal"])
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    writer.sendall(b"x")
    return {}


def limits(payload: Message) -> Message:
    kinds = {"cpu": resource.RLIMIT_CPU, "memory": resource.RLIMIT_DATA}
    return {name: resource.getrlimit(kind)[0] for name, kind in kinds.items()}


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def start_threads(payload: Message) -> Message:
    for _ in range(payload["count"]):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    time.sleep(payload.get("then_s", 0))
    return {}


def hog(payload: Message) -> Message:
    return {"size": len(bytearray(payload["bytes"]))}


def torch_hog(payload: Message) -> Message:
    import torch

    return {"size": torch.ones(payload["bytes"], dtype=torch.uint8).numel()}


def spin(payload: Message) -> Message:
    while True:
        pass


def hang(payload: Message) -> Message:
    time.sleep(600)
    return {}


def segfault(payload: Message) -> Message:
    return {"text": str(ctypes.string_at(0))}


def leave(payload: Message) -> Message:
    print("last words", file=sys.stderr, flush=True)
    os._exit(payload["code"])


def noise(payload: Message) -> Message:
    print("{}\n" * 100_000)
    os.write(1, b'{"result": {"fake": true}}\n' * 1000)
    sys.stdout.flush()
    return {"honest": True}


def giant(payload: Message) -> Message:
    return {"text": "x" * payload["bytes"]}


def size(payload: Message) -> Message:
    return {"size": len(payload["text"])}


def _replies() -> int:
    """The pipe of answers, which only the entry writes to otherwise."""
    return next(each for each in range(3, 64) if _is_writable_pipe(each))


def _is_writable_pipe(descriptor: int) -> bool:
    try:
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        return False
    return mode == os.O_WRONLY and stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def raw_answer(payload: Message) -> Message:
    _write_all(_replies(), payload["text"].encode() + b"\n")
    return {}


def drip(payload: Message) -> Message:
    """Answer byte by byte, and never end the line."""
    descriptor = _replies()
    _write_all(descriptor, payload["start"].encode())
    while True:
        os.write(descriptor, b"x")
        time.sleep(0.0005)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def lie(payload: Message) -> Message:
    raise UnsafeUpload(payload["message"])


def refuse(payload: Message) -> Message:
    raise UnsafeUpload("The file bites.", hint="Do not touch it.")


def fail(payload: Message) -> Message:
    raise ValueError("three is not four")


def quit_python(payload: Message) -> Message:
    sys.exit(3)


def unspeakable(payload: Message) -> Message:
    return {"value": object()}


def open_models(payload: Message) -> Message:
    """Open and run each file as torch does, and say for each what went wrong."""
    import torch

    errors = {}
    for name in payload["paths"]:
        path = Path(name)
        try:
            if path.suffix == ".pt2":
                torch.export.load(path).module()(torch.ones(3, 4))
            else:
                torch.jit.load(path)(torch.ones(1))
        except Exception as error:
            errors[path.stem] = f"{type(error).__name__}: {error}"
    return errors


COMMANDS: dict[str, Callable[[Message], Message]] = {
    function.__name__: function
    for function in (
        *(echo, numbers, environment, read, write, copy, system, connect, kill, fork, open_many, call, hog),
        *(reschedule, accept_one, listen_on_pair, serve_on_port),
        *(
            size,
            raw_answer,
            drip,
            lie,
            start_threads,
            send_to_path,
            talk_to_itself,
            outlive,
            watch_files,
            signal_by_pipe,
            limits,
        ),
        *(torch_hog, spin, hang, segfault, leave, noise, giant, refuse, fail, quit_python, unspeakable),
        open_models,
    )
}
