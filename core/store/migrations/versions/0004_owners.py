"""Models, data sets and runs have an owner; what was there before is the default owner's"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROOTS = ("models", "data_sets", "runs")


def upgrade() -> None:
    """Apply the change."""
    for table in ROOTS:
        op.add_column(table, sa.Column("owner", sa.String(length=64), nullable=False, server_default="local"))


def downgrade() -> None:
    """Take the change back."""
    for table in ROOTS:
        op.drop_column(table, "owner")
