"""Write the migration from the newest revision to the current tables."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from core.store.database import Database
from core.store.migrations import HEAD, config


def main(message: str) -> None:
    """Write a migration called `message` into `versions`."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
        with database.read() as connection:
            command.revision(config(connection), message, autogenerate=True, rev_id=f"{int(HEAD) + 1:04d}")
        database.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "change")
