"""The tables. A change here needs a new file in `core/store/migrations/versions`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact, Recipe
from core.domain.run import DEFAULT_OWNER, CandidateStatus, Result, RunRequest, RunStatus
from core.errors import ErrorRecord
from core.serde import from_json, to_json


class Json(TypeDecorator[Any]):
    """A domain value as JSON text.

    Args:
        kind: Type of the value, for reading it back.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write `value`, refusing what could not be read back, such as a NaN."""
        if value is None:
            return None
        text = to_json(value)
        from_json(text, self.kind)
        return text

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read a value of `kind`."""
        return None if value is None else from_json(value, self.kind)


def _choice(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind, native_enum=False, length=16, values_callable=lambda kind: [item.value for item in kind]
    )


def _id(*more: Any, **options: Any) -> Column[str]:
    return Column("id", String(64), *more, primary_key=True, **options)


def _owner() -> Column[str]:
    return Column("owner", String(64), nullable=False, server_default=DEFAULT_OWNER)


def _documents(name: str, kind: type[Any], *more: Column[str]) -> Table:
    return Table(
        name,
        metadata,
        _id(),
        *more,
        Column("created", Float, nullable=False),
        Column("body", Json(kind), nullable=False),
    )


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

models = _documents("models", SourceModel, _owner())
data_sets = _documents("data_sets", DataSet, _owner())
artifacts = _documents("artifacts", Artifact)

runs = Table(
    "runs",
    metadata,
    _id(),
    _owner(),
    Column("name", Text, nullable=False),
    Column("model_id", ForeignKey("models.id"), nullable=False, index=True),
    Column("data_id", ForeignKey("data_sets.id"), index=True),
    Column("request", Json(RunRequest), nullable=False),
    Column("status", _choice(RunStatus), nullable=False),
    Column("created", Float, nullable=False, index=True),
    Column("started", Float),
    Column("finished", Float),
    Column("revision", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("estimate_s", Float),
    Column("elapsed_s", Float, nullable=False),
    Column("worker", String(128)),
    Column("heartbeat", Float),
    Column("cancel_requested", Boolean, nullable=False),
    Column("error", Json(ErrorRecord)),
    Column("tags", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Column("notes", Text, nullable=False, server_default=""),
    Column("imported", Text, nullable=False, server_default=""),
    Index(None, "status", "created"),
)

candidates = Table(
    "candidates",
    metadata,
    _id(),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("recipe", Json(Recipe), nullable=False),
    Column("status", _choice(CandidateStatus), nullable=False),
    Column("stage", Text, nullable=False),
    Column("artifact_id", String(64), index=True),
    Column("result", Json(Result)),
    Column("error", Json(ErrorRecord)),
    Index(None, "run_id", "position"),
    Index(None, "run_id", "status"),
)

events = Table(
    "events",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("time", Float, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("data", Json(dict[str, Any]), nullable=False),
)

live = Table(
    "live",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("candidate_id", String(64), nullable=False),
    Column("ms", Json(tuple[float, ...]), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("time", Float, nullable=False),
)

result_files = Table(
    "result_files",
    metadata,
    Column("candidate_id", ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
)
