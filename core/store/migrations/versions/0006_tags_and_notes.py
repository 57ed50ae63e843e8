"""People give runs tags and notes, to find them again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("runs", sa.Column("tags", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("runs", sa.Column("notes", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Take the change back: tags and notes are lost."""
    op.drop_column("runs", "notes")
    op.drop_column("runs", "tags")
