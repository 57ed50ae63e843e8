"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket, stopped at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

GIVEN = os.environ.get("WHETSTONE_TEST_DATABASE_URL", "")
"""A server of your own to test with; everything in its public schema is deleted."""


def programs() -> Path | None:
    """Return where the server's programs are: on Debian beside its version, elsewhere on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the URL of a PostgreSQL database: the one that was named, or one of the tests' own."""
    pytest.importorskip("psycopg")
    if GIVEN:
        yield GIVEN
    elif programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install --no-install-recommends postgresql")
    else:
        with server() as url:
            yield url


@contextmanager
def server() -> Iterator[str]:
    """Start a server and give the URL of its database; nothing of it stays."""
    where = programs()
    assert where is not None
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path has 107 characters at most
    user = _unprivileged(folder)
    quiet: dict[str, Any] = {**user, "stdout": subprocess.DEVNULL, "cwd": folder}
    new = [where / "initdb", "-D", folder / "data", "-U", "whetstone", "-A", "trust", "--no-sync"]
    subprocess.run([*new, "--locale=C.UTF-8", "-E", "UTF8"], check=True, **quiet)
    plain = ["-c", "listen_addresses=", "-c", "log_min_messages=fatal", "-F", "-k", folder]
    process = subprocess.Popen(
        [where / "postgres", "-D", folder / "data", *plain], stderr=subprocess.DEVNULL, **quiet
    )
    try:
        yield _answering(f"postgresql+psycopg://whetstone@/postgres?host={folder}", process)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return who is to run the server, which refuses to run as root, and give that user the folder."""
    if os.geteuid() != 0:
        return {}
    names = {each.pw_name for each in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _answering(url: str, process: subprocess.Popen[bytes]) -> str:
    engine = create_engine(url)
    for _ in range(200):
        assert process.poll() is None, "PostgreSQL did not start"
        try:
            engine.connect().close()
            break
        except Exception:
            time.sleep(0.05)
    engine.dispose()
    return url


def emptied(url: str) -> str:
    """Drop all tables of the server's database and return its URL."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url
