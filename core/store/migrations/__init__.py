"""Schema changes, applied when a store is opened.

After a change in `core/store/tables.py`, write the next file in `versions` by

    python -m core.store.new_migration "what changes and why"

and raise `HEAD` to its number.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD = "0007"


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for `connection`."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
