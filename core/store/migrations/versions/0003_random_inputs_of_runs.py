"""Runs without data refer to the random inputs that they drew, so that these are kept as long as they are"""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    connection = op.get_bind()
    known = set(connection.execute(sa.text("SELECT id FROM data_sets")).scalars())
    without = sa.text("SELECT id, model_id, request FROM runs WHERE data_id IS NULL")
    for run_id, model_id, request in connection.execute(without).all():
        data_id = _random_inputs(model_id, json.loads(request).get("seed", 0))
        if data_id in known:
            refer = sa.text("UPDATE runs SET data_id = :data WHERE id = :run")
            connection.execute(refer, {"data": data_id, "run": run_id})


def _random_inputs(model_id: str, seed: int) -> str:
    """Return the id that version 0.1.0 gave to the random inputs of a model."""
    made_of = ["data", "0.1.0", "None", [], model_id, {}, "", seed]
    return hashlib.sha256(json.dumps(made_of, separators=(",", ":")).encode()).hexdigest()[:16]


def downgrade() -> None:
    """Take the change back: only the request says which data a run was given."""
    connection = op.get_bind()
    for run_id, request in connection.execute(sa.text("SELECT id, request FROM runs")).all():
        if json.loads(request).get("data_id") is None:
            clear = sa.text("UPDATE runs SET data_id = NULL WHERE id = :run")
            connection.execute(clear, {"run": run_id})
