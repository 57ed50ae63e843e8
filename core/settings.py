"""Settings, read from `WHETSTONE_*` environment variables.

WHETSTONE_DATA_DIR=/srv/whetstone WHETSTONE_RETENTION_DAYS=30 make run
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

import msgspec

from core.domain.run import DEFAULT_OWNER
from core.errors import InvalidRequest

PREFIX = "WHETSTONE_"
OWN_CODE = ("auto", "on", "off")
_OWNER = re.compile(r"[A-Za-z0-9._@-]{1,64}")
GIB = 1024**3
LARGEST: dict[type, float] = {float: 1e9, int: 1e15}
"""Of seconds, and of bytes and days: the system takes no more."""


@dataclass(frozen=True)
class Settings:
    """How this installation behaves.

    Attributes:
        data_dir: Where the database and all files live.
        database_url: SQLAlchemy URL; empty means SQLite inside `data_dir`.
        owner: Whose models, data sets and runs this process shows and makes: a name of letters, digits and
            ``. _ @ -``.
        upload_limit_bytes: Largest accepted upload.
        allowed_hosts: Names, separated by commas, that the dashboard is opened under besides those of this
            machine: behind a proxy, or on a published port of a container.
        trust_uploads: Open uploaded files even where the system offers no confinement.
        child_memory_bytes: Memory a working process may take.
        child_timeout_s: Seconds one build step may take.
        own_code: Whether models may bring the Python that defines them: ``on``, ``off``, or ``auto``, which
            is on for the command line and for a dashboard that answers on this computer alone.
        watched_services: Addresses, separated by commas, that a dashboard which other computers can reach may
            watch; one that answers on this computer alone watches any.
        retention_days: Runs older than this are deleted at worker start; 0 keeps them for ever.
        extensions: Folder of Python files that add techniques, runtimes, formats, sources or downloads; they
            run as part of Whetstone, so only its owner may write there. None adds nothing.
        heartbeat_s: Seconds between a worker's signs of life.
        executor: Who builds and measures: ``local`` is this machine, ``ray`` a cluster.
        ray_address: Where the cluster is: ``auto`` is the one that this machine belongs to.
        measure_on: Kind of the nodes that measure where a run names none, such as ``amd-epyc-9b45``; empty
            takes the one that most nodes are.
        host_lock: File by whose lock workers on one host take turns to measure; None is one in the folder for
            temporary files. Containers on one host need a common one.
        shared_store: Folder or ``s3://bucket/folder`` through which hosts share files; empty shares none.
    """

    data_dir: Path = field(default_factory=lambda: Path.home() / ".whetstone")
    database_url: str = ""
    owner: str = DEFAULT_OWNER
    upload_limit_bytes: int = 4_000_000_000
    allowed_hosts: str = ""
    trust_uploads: bool = False
    child_memory_bytes: int = 16 * GIB
    child_timeout_s: float = 600.0
    own_code: str = "auto"
    watched_services: str = ""
    retention_days: int = 0
    extensions: Path | None = None
    heartbeat_s: float = 2.0
    executor: str = "local"
    ray_address: str = "auto"
    measure_on: str = ""
    host_lock: Path | None = None
    shared_store: str = ""


def _field(name: str, kind: str, text: str) -> object:
    types: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": float}
    if kind == "bool":
        text = text.lower()
    try:
        value: str | int | bool | float = msgspec.convert(text, types.get(kind, str), strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            f"The setting {PREFIX}{name.upper()} is {text!r}, which is not a valid {kind}.",
            hint=f"Set {PREFIX}{name.upper()} to a {kind} or unset it.",
        ) from error
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(name, value)
    return Path(str(value)).expanduser() if kind.startswith("Path") else value


def _check_range(name: str, value: float) -> None:
    """Refuse what no time, size or number of days can be; only keeping for ever is written as 0."""
    endless = name == "retention_days" and value == 0
    if not endless and not 0 < value <= LARGEST[type(value)]:
        raise InvalidRequest(
            f"The setting {PREFIX}{name.upper()} is {value:g}, which is not in its range.",
            hint=f"Set it to a number above 0 and up to {LARGEST[type(value)]:g}, or unset it.",
        )


def read_settings(environ: dict[str, str]) -> Settings:
    """Return the settings that `environ` holds.

    Raises:
        InvalidRequest: A variable has a value of the wrong type, or a number that cannot be meant.
    """
    given = {f.name: (str(f.type), environ.get(PREFIX + f.name.upper(), "")) for f in fields(Settings)}
    values = {name: _field(name, kind, text) for name, (kind, text) in given.items() if text}
    if values.get("own_code", "auto") not in OWN_CODE:
        raise InvalidRequest(
            f"The setting {PREFIX}OWN_CODE is {values['own_code']!r}.", hint=f"Choose {', '.join(OWN_CODE)}."
        )
    if not _OWNER.fullmatch(str(values.get("owner", DEFAULT_OWNER))):
        raise InvalidRequest(
            f"The setting {PREFIX}OWNER is {values['owner']!r}.",
            hint="Give a name of up to 64 letters, digits and the signs . _ @ -",
        )
    return Settings(**values)  # type: ignore[arg-type]


@cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return read_settings(dict(os.environ))
