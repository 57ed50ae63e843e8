"""Run by Alembic: migrates the connection that `core.store.migrations.config` was given."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Enum

from core.store.tables import Json, metadata


def render_item(kind: str, item: Any, autogen: object) -> str | Literal[False]:  # noqa: ARG001
    """Write our column types as plain ones, so that old migrations do not depend on today's code."""
    if kind == "type" and isinstance(item, Json):
        return "sa.Text()"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
