"""The baseline's own speed-up is the A/A control: the copy of it in its run was never read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.drop_column("runs", "control")


def downgrade() -> None:
    """Take the change back; nothing needs the figures."""
    op.add_column("runs", sa.Column("control", sa.Text(), nullable=True))
