"""Commands of the two processes of a trial: the one that serves, and the one that asks."""

from __future__ import annotations

import msgspec

from core.sandbox.commands import Command


class Serve(msgspec.Struct, frozen=True):
    """Serve the folder on a listening socket.

    Attributes:
        folder: The unpacked service.
        descriptor: Of the socket.
        port: Of the loopback, for gRPC; 0 without it.
    """

    folder: str
    descriptor: int
    port: int = 0


class Nothing(msgspec.Struct, frozen=True):
    """Nothing is answered."""


class Bare(msgspec.Struct, frozen=True):
    """Call the loaded model without the service for `seconds`."""

    seconds: float


class BareTimes(msgspec.Struct, frozen=True):
    """Milliseconds of each call."""

    ms: list[float]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, and with what.

    Attributes:
        folder: The unpacked service, for its golden inputs and the scripts of its kit.
        kind: Id of the packager, which knows how it is spoken with.
        dialect: Which of its protocols.
        port: On the loopback, of HTTP.
        grpc_port: Likewise, of gRPC; 0 without it.
        key: API key; empty where none is asked for.
        clients: That ask at once.
        seconds: For how long.
        cached: Let the service answer what it knows; else it must ask the model.
    """

    folder: str
    kind: str
    dialect: int = 0
    port: int
    grpc_port: int = 0
    key: str = ""
    clients: int = 1
    seconds: float = 1.0
    cached: bool = False


class Ready(msgspec.Struct, frozen=True):
    """Status of /ready, 0 without an answer."""

    status: int


class Compared(msgspec.Struct, frozen=True):
    """Golden inputs whose outputs were compared, the largest difference, and whether all are near enough."""

    golden: int
    largest: float
    equal: int


class Answered(msgspec.Struct, frozen=True):
    """Requests under load.

    Attributes:
        ms: Of each that was answered with a prediction.
        errors: Others.
        seconds: It took in all.
        stage_ms: Median of each of `core.bench.serving.asking.STAGES`, -1 where the service does not say.
    """

    ms: list[float]
    errors: int
    seconds: float
    stage_ms: list[float]


class Shown(msgspec.Struct, frozen=True):
    """1 where it was shown, else 0."""

    so: int


class Statuses(msgspec.Struct, frozen=True):
    """Status of the answer to each of `Dialect.wrong`, 0 without one."""

    statuses: list[int]


SERVE = Command("serve", Serve, Nothing)
BARE = Command("bare", Bare, BareTimes)
READY = Command("ready", Ask, Ready)
COMPARE = Command("compare", Ask, Compared)
LOAD = Command("load", Ask, Answered)
REFUSE = Command("refuse", Ask, Statuses)
COUNT = Command("count", Ask, Shown)
CHANGE = Command("change", Ask, Shown)
